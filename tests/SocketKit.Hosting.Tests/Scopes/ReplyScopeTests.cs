using Microsoft.Extensions.DependencyInjection;
using SocketKit.Hosting.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Scopes;

/// <summary>Strategies from the container: a scope per message, or none.</summary>
public class ReplyScopeTests
{
    [Theory]
    [InlineData(ServiceLifetime.Scoped)]
    [InlineData(ServiceLifetime.Transient)]
    public async Task A_scoped_strategy_is_made_for_each_message_and_disposed_of_behind_its_reply(ServiceLifetime lifetime)
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Tally>();
        host.Services.AddScoped<Database>();
        host.AddServer("scoped").UseReplies<Looked>(lifetime);
        await host.StartAsync();
        var tally = host.Host.Services.GetRequiredService<Tally>();

        await using var client = await host.ConnectAsync("scoped");
        for (var number = 1; number <= 3; number++)
        {
            using var response = await client.RequestAsync("x");
            response.ToString().Should().Be($"x from database {number} on {host.Server("scoped").Connections.Single().Id}");
        }

        await host.StopAsync();
        tally.Made.Should().Be(3);
        tally.Disposed.Should().Be(3);
    }

    [Fact]
    public async Task A_singleton_strategy_costs_no_scope()
    {
        await using var host = new HostBed();
        host.AddServer("shared").UseReplies<Counting>();
        host.Services.AddSingleton<Counting>();
        await host.StartAsync();

        (await host.AskAsync("shared", "x")).Should().Be("1");
        (await host.AskAsync("shared", "x")).Should().Be("2");
        var options = host.Host.Services.GetRequiredService<Microsoft.Extensions.Options.IOptionsMonitor<SocketServerOptions>>().Get("shared");
        options.HandlerFactory!(null!).Should().NotBeOfType<Hosting.Scopes.ScopedReplyHandler>("the core's own handler asks it");
    }

    [Fact]
    public async Task The_first_that_does_not_pass_answers_and_a_scope_begins_only_when_it_is_needed()
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Tally>();
        host.Services.AddScoped<Database>();
        host.AddServer("several").UseReplies(new ReplyRules().When("1", "one").Build()).UseReplies<Looked>().UseReplies(ReplyStrategy.From(_ => "last"));
        await host.StartAsync();
        var tally = host.Host.Services.GetRequiredService<Tally>();

        (await host.AskAsync("several", "1")).Should().Be("one");
        tally.Made.Should().Be(0);
        (await host.AskAsync("several", "2")).Should().StartWith("2 from database 1");
        (await host.AskAsync("several", "pass")).Should().Be("last");
        await host.StopAsync();
        tally.Made.Should().Be(2);
        tally.Disposed.Should().Be(2);
    }

    [Fact]
    public async Task A_strategy_that_throws_leaves_no_scope_behind()
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Tally>();
        host.Services.AddScoped<Database>();
        host.AddServer("throws").UseReplies<Looked>();
        await host.StartAsync();

        await using var client = await host.ConnectAsync("throws");
        await client.Invoking(peer => peer.RequestAsync("throw").AsTask().WaitAsync(HostBed.Patience)).Should().ThrowAsync<ConnectionClosedException>();
        await host.StopAsync();
        host.Host.Services.GetRequiredService<Tally>().Disposed.Should().Be(1);
    }

    [Fact]
    public async Task A_connection_that_is_aborted_leaves_no_scope_behind()
    {
        await using var host = new HostBed();
        host.Services.AddSingleton<Tally>();
        host.Services.AddScoped<Database>();
        host.AddServer("aborts").UseReplies<Looked>();
        await host.StartAsync();
        var tally = host.Host.Services.GetRequiredService<Tally>();

        await using var client = await host.ConnectAsync("aborts");
        await client.SendAsync("hang");
        using var patience = new CancellationTokenSource(HostBed.Patience);
        while (tally.Made == 0)
        {
            await Task.Delay(10, patience.Token);
        }

        tally.Disposed.Should().Be(0);
        client.Connection!.Abort();
        while (tally.Disposed == 0)
        {
            await Task.Delay(10, patience.Token);
        }
    }

    [Fact]
    public async Task A_handler_and_strategies_together_are_refused()
    {
        await using var host = new HostBed();
        host.AddServer("both").UseHandler<Nothing>().UseReplies(new GuessThanksSorryOkReplies());
        await host.Invoking(both => both.StartAsync()).Should().ThrowAsync<InvalidOperationException>().WithMessage("The server both has both a handler (Nothing) and reply strategies*");
    }

    internal sealed class Tally
    {
        private int _made;
        private int _disposed;

        public int Made => _made;

        public int Disposed => _disposed;

        public int Make() => Interlocked.Increment(ref _made);

        public void Dispose() => Interlocked.Increment(ref _disposed);
    }

    internal sealed class Database(Tally tally) : IAsyncDisposable
    {
        public int Number { get; } = tally.Make();

        public bool IsDisposed { get; private set; }

        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            IsDisposed = true;
            tally.Dispose();
        }
    }

    internal sealed class Looked(Database database, IConnection injected) : IReplyStrategy
    {
        public async ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
        {
            injected.Should().BeSameAs(connection);
            await Task.Yield();
            database.IsDisposed.Should().BeFalse();
            if (Text.Of(message) == "hang")
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return Text.Of(message) switch
            {
                "pass" => Reply.Pass,
                "throw" => throw new FormatException("no"),
                var text => $"{text} from database {database.Number} on {injected.Id}",
            };
        }
    }

    internal sealed class Counting : IReplyStrategy
    {
        private int _count;

        public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message, CancellationToken cancellationToken) => new(Reply.Text($"{Interlocked.Increment(ref _count)}"));
    }

    internal sealed class Nothing : ConnectionHandler
    {
        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => default;
    }
}
