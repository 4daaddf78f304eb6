using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using SocketKit.Hosting.Tests.TestDoubles;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Scopes;

/// <summary>A handler per connection, from a scope of its own.</summary>
public class HandlerScopeTests
{
    [Fact]
    public async Task Each_connection_has_a_handler_and_a_scope_of_its_own_that_ends_behind_the_last_call()
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Journal>();
        host.Services.AddScoped<Resource>();
        host.AddServer("devices").UseHandler<Device>();
        await host.StartAsync();
        var journal = host.Host.Services.GetRequiredService<Journal>();

        await using var first = await host.ConnectAsync("devices");
        await using var second = await host.ConnectAsync("devices");
        (await first.RequestAsync("x")).ToString().Should().Be("1");
        (await first.RequestAsync("x")).ToString().Should().Be("2");
        (await second.RequestAsync("x")).ToString().Should().Be("1", "the session's state is its own");

        // What a program sees as the session is the handler itself.
        host.Server("devices").Connections.Select(connection => connection.Handler).Should().AllBeOfType<Device>().And.OnlyHaveUniqueItems();
        host.Server("devices").Connections.Should().OnlyContain(connection => ((Device)connection.Handler).Injected == connection);

        var id = host.Server("devices").Connections.Single(connection => ((Device)connection.Handler).Count == 2).Id;
        await first.DisposeAsync();
        await journal.WaitForAsync($"{id} resource disposed");
        journal.Of(id).Should().Equal("connected", "closed", "handler disposed", "resource disposed");
        journal.Lines.Should().NotContain(line => line.EndsWith("disposed", StringComparison.Ordinal) && !line.StartsWith($"{id} ", StringComparison.Ordinal), "the other connection lives");

        await host.StopAsync();
        journal.Lines.Count(line => line.EndsWith("resource disposed", StringComparison.Ordinal)).Should().Be(2, "a stop waits for the scopes, too");
    }

    [Fact]
    public async Task A_handler_that_cannot_be_made_costs_its_connection_and_leaves_no_scope_behind()
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Journal>();
        host.Services.AddScoped<Resource>();
        host.AddServer("broken").UseHandler<Broken>();
        await host.StartAsync();
        var journal = host.Host.Services.GetRequiredService<Journal>();

        await using var client = await host.ConnectAsync("broken");
        (await client.Invoking(peer => peer.RequestAsync("x").AsTask().WaitAsync(HostBed.Patience)).Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().BeOneOf(CloseKind.PeerClosed, CloseKind.PeerReset);
        await journal.WaitForAsync("resource disposed");
    }

    [Theory]
    [InlineData("throw", CloseKind.HandlerFailed)]
    [InlineData("abort", CloseKind.Aborted)]
    [InlineData("wait", CloseKind.PeerReset)]
    public async Task A_scope_ends_with_its_connection_however_that_ends(string request, CloseKind kind)
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Journal>();
        host.Services.AddScoped<Resource>();
        host.AddServer("rude").UseHandler<Rude>();
        await host.StartAsync();
        var journal = host.Host.Services.GetRequiredService<Journal>();

        await using var client = await host.ConnectAsync("rude");
        await client.SendAsync(request);
        await journal.WaitForAsync("asked");
        if (request == "wait")
        {
            client.Connection!.Abort();
        }

        await journal.WaitForAsync("resource disposed");
        journal.Lines.Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]).Should().Equal("asked", $"closed {kind}", "resource disposed");
    }

    [Fact]
    public async Task A_scope_that_fails_in_its_disposal_is_logged_and_the_server_lives()
    {
        await using var host = new HostBed();
        host.Services.AddScoped<Fragile>();
        host.AddServer("broken").UseHandler<BrokenAndFragile>();
        host.AddServer("fragile").UseHandler<MadeOfFragile>();
        await host.StartAsync();

        foreach (var name in new[] { "broken", "fragile", "fragile" })
        {
            await using var client = await host.ConnectAsync(name);
        }

        await Eventually.TrueAsync(() => host.Logs.GetSnapshot().Count(line => line.Exception?.Message == "fragile") >= 3);

        host.OwnLogs.Single().Id.Id.Should().Be(85);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_handler_that_is_a_singleton_serves_all_connections()
    {
        await using var host = new HostBed();
        host.AddServer("shared").UseHandler<Shared>();
        host.Services.AddSingleton<Shared>();
        await host.StartAsync();

        (await host.AskAsync("shared", "x")).Should().Be("1");
        (await host.AskAsync("shared", "x")).Should().Be("2");
    }

    [Fact]
    public async Task A_client_has_a_handler_per_connection_too()
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Journal>();
        host.Services.AddScoped<Resource>();
        host.AddServer("pushes", options => options.HandlerFactory = Handlers.OnText((connection, text) => connection.SendAsync("echo " + text)));
        host.Services.AddSocketClient<Device>("devices", options => (options.Dialer, options.Framer) = (host.Network.Dial("pushes"), Framers.Lines())).WaitForConnection();
        await host.StartAsync();
        var journal = host.Host.Services.GetRequiredService<Journal>();

        var client = host.Host.Services.GetRequiredService<ISocketClient>();
        client.Connection!.Handler.Should().BeOfType<Device>();
        var first = client.Connection.Id;
        client.Connection.Abort();
        await journal.WaitForAsync($"{first} resource disposed");
        await journal.WaitForAsync(line => line.EndsWith(" connected", StringComparison.Ordinal) && !line.StartsWith($"{first} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_connection_is_injected_only_where_there_is_one()
    {
        await using var host = new HostBed();
        host.AddServer("any").UseReplies(new GuessThanksSorryOkReplies());
        await using var scope = host.Host.Services.CreateAsyncScope();
        scope.ServiceProvider.Invoking(services => services.GetRequiredService<IConnection>()).Should().Throw<InvalidOperationException>().WithMessage("IConnection is there only in the scope of a connection*");
    }

    internal sealed class Journal
    {
        private readonly ConcurrentQueue<string> _lines = new();
        private readonly SemaphoreSlim _news = new(0);

        public IReadOnlyCollection<string> Lines => _lines;

        public void Add(string line)
        {
            _lines.Enqueue(line);
            _news.Release();
        }

        public IEnumerable<string> Of(long id) => _lines.Where(line => line.StartsWith($"{id} ", StringComparison.Ordinal)).Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);

        public Task WaitForAsync(string part) => WaitForAsync(line => line.Contains(part, StringComparison.Ordinal));

        public async Task WaitForAsync(Func<string, bool> isIt)
        {
            using var patience = new CancellationTokenSource(HostBed.Patience);
            while (!_lines.Any(isIt))
            {
                await _news.WaitAsync(patience.Token);
            }
        }
    }

    internal sealed class Resource(IConnection connection, Journal journal) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            journal.Add($"{connection.Id} resource disposed");
        }
    }

    internal sealed class Device(IConnection injected, Journal journal, Resource resource) : ConnectionHandler, IDisposable
    {
        public IConnection Injected => injected;

        public int Count { get; private set; }

        public override ValueTask OnConnectedAsync(IConnection connection)
        {
            resource.Should().NotBeNull();
            journal.Add($"{connection.Id} connected");
            return default;
        }

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => connection.SendAsync($"{++Count}");

        public override async ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            await Task.Yield();
            journal.Add($"{connection.Id} closed");
        }

        public void Dispose() => journal.Add($"{injected.Id} handler disposed");
    }

    internal sealed class Rude(Journal journal, Resource resource) : ConnectionHandler
    {
        public override async ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            resource.Should().NotBeNull();
            journal.Add($"{connection.Id} asked");
            switch (Text.Of(message))
            {
                case "throw":
                    throw new FormatException("no");
                case "abort":
                    connection.Abort();
                    break;
                default:
                    await Task.Delay(Timeout.Infinite, connection.ClosedToken);
                    break;
            }
        }

        public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            journal.Add($"{connection.Id} closed {reason.Kind}");
            return default;
        }
    }

    internal sealed class Broken : ConnectionHandler
    {
        public Broken(Resource resource)
        {
            resource.Should().NotBeNull();
            throw new FormatException("no handler today");
        }

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => default;
    }

    internal sealed class Fragile : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            throw new FormatException("fragile");
        }
    }

    internal sealed class BrokenAndFragile : ConnectionHandler
    {
        public BrokenAndFragile(Fragile fragile)
        {
            fragile.Should().NotBeNull();
            throw new FormatException("no handler today");
        }

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => default;
    }

    internal sealed class MadeOfFragile(Fragile fragile) : ConnectionHandler
    {
        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => connection.SendAsync(fragile.ToString()!);
    }

    internal sealed class Shared : ConnectionHandler
    {
        private int _count;

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => connection.SendAsync($"{Interlocked.Increment(ref _count)}");
    }
}
