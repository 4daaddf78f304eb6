using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SocketKit.Hosting.Services;
using SocketKit.Hosting.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Services;

public class HostedServerTests
{
    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_port_in_use_fails_the_start_with_one_clear_line()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        await using var host = new HostBed();
        host.Services.AddSocketServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        host.Configuration["SocketKit:Servers:replies:Listen"] = $"tcp://127.0.0.1:{port}";
        host.Configuration["SocketKit:Servers:replies:Framing"] = "Lines";

        (await host.Invoking(stopped => stopped.StartAsync()).Should().ThrowAsync<ListenException>()).Which.Message.Should().Contain($"127.0.0.1:{port}");
        var line = host.OwnLogs.Single();
        line.Level.Should().Be(LogLevel.Critical);
        line.Id.Id.Should().Be(80);
        line.Message.Should().Match($"The server replies cannot start: Cannot listen on 127.0.0.1:{port}: *").And.NotContain("\n");
        line.Exception.Should().BeNull();

        var logs = host.Logs;
        await host.DisposeAsync();
        logs.GetSnapshot().Where(record => record.Level >= LogLevel.Information && record.Category!.StartsWith("SocketKit", StringComparison.Ordinal)).Should().ContainSingle("what has not started has nothing to stop");
    }

    [Fact]
    public async Task Options_that_the_program_got_wrong_fail_the_start()
    {
        await using var host = new HostBed();
        host.AddServer("wrong", options => options.RequestTimeout = TimeSpan.Zero).UseReplies(new GuessThanksSorryOkReplies());
        (await host.Invoking(stopped => stopped.StartAsync()).Should().ThrowAsync<OptionsException>()).Which.Option.Should().Be("SocketServerOptions.RequestTimeout");
        host.OwnLogs.Single().Message.Should().StartWith("The server wrong cannot start: SocketServerOptions.RequestTimeout");
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task When_one_of_several_servers_cannot_start_the_others_do_not_stay()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        await using var host = new HostBed();
        host.Services.AddSocketServer("first", options => (options.Framer, options.DrainTimeout) = (Framers.Lines(), TimeSpan.FromSeconds(1)))
            .Configure(options => options.Listeners.Add(Listen.Tcp(new IPEndPoint(IPAddress.Loopback, 0)))).UseReplies(new GuessThanksSorryOkReplies());
        host.Services.AddSocketServer("second", options => options.Framer = Framers.Lines())
            .Configure(options => options.Listeners.Add(Listen.Tcp((IPEndPoint)taken.LocalEndPoint!))).UseReplies(new GuessThanksSorryOkReplies());
        var first = host.Server("first");

        await host.Host.Invoking(failed => failed.RunAsync().WaitAsync(HostBed.Patience)).Should().ThrowAsync<ListenException>();
        Take(first.EndPoints.Single());
    }

    [Fact]
    public async Task A_start_that_is_cancelled_half_way_gives_its_addresses_back_and_can_be_stopped()
    {
        var (early, hangs) = (Listen.Tcp(new IPEndPoint(IPAddress.Loopback, 0)), new HangingListener());
        await using var host = new HostBed();
        host.AddServer("first").UseReplies(new GuessThanksSorryOkReplies());
        host.Services.AddSocketServer("second", options => options.Framer = Framers.Lines()).UseReplies(new GuessThanksSorryOkReplies()).Configure(options =>
        {
            options.Listeners.Add(early);
            options.Listeners.Add(hangs);
        });
        using var cancellation = new CancellationTokenSource();
        var start = host.Host.StartAsync(cancellation.Token);
        await hangs.Asked.Task.WaitAsync(HostBed.Patience);
        var taken = early.EndPoint;
        await cancellation.CancelAsync();

        await start.Invoking(cancelled => cancelled.WaitAsync(HostBed.Patience)).Should().ThrowAsync<OperationCanceledException>();
        Take(taken);
        host.Host.Services.GetRequiredKeyedService<HostedServer>("second").State.Should().Be(ServerState.NotStarted);
        await host.StopAsync();
        host.Host.Services.GetRequiredKeyedService<HostedServer>("first").State.Should().Be(ServerState.Stopped);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_host_that_was_never_started_is_disposed_of_in_silence(bool resolved)
    {
        await using var host = new HostBed();
        host.AddServer("idle").UseReplies(new GuessThanksSorryOkReplies());
        host.Services.AddSocketClient("upstream", options => (options.Dialer, options.Framer) = (host.Network.Dial("idle"), Framers.Lines()));
        var services = host.Host.Services;
        var logs = host.Logs;
        if (resolved)
        {
            services.GetServices<IHostedService>().Should().HaveCount(3);
            services.GetRequiredService<ISocketServer>().EndPoints.Should().BeEmpty();
            services.GetRequiredService<ISocketClient>().State.Should().Be(ClientState.Disconnected);
        }

        // The synchronous one, since a container refuses it for what can only be disposed of asynchronously.
        host.Host.Dispose();
        logs.GetSnapshot().Where(record => record.Category!.StartsWith("SocketKit", StringComparison.Ordinal)).Should().BeEmpty();
    }

    [Fact]
    [Trait("Fault", "G01")]
    public async Task A_stop_says_that_it_is_not_ready_then_accepts_no_more_and_answers_what_was_taken()
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new HostBed();
        host.AddServer("drains", options => options.HandlerFactory = Handlers.OnText(async (connection, text) =>
        {
            asked.TrySetResult();
            await answer.Task;
            await connection.SendAsync(text);
        }));
        var between = new Between();
        host.Services.AddSingleton<IHostedService>(between);
        await host.StartAsync();
        var hosted = host.Host.Services.GetRequiredKeyedService<HostedServer>("drains");
        hosted.State.Should().Be(ServerState.Listening);
        await using var client = await host.ConnectAsync("drains");
        var response = client.RequestAsync("in flight").AsTask();
        await asked.Task.WaitAsync(HostBed.Patience);

        // This one is registered behind the server: so it is told to stop before the server is, and holds the stop up.
        var stop = host.StopAsync();
        await between.Stopping.Task.WaitAsync(HostBed.Patience);
        hosted.State.Should().Be(ServerState.Draining);
        await using (var late = await host.ConnectAsync("drains"))
        {
            late.State.Should().Be(ClientState.Connected, "it is not ready any more, but whoever comes before the stop is served");
        }

        between.GoOn.SetResult();
        await WaitAsync(async () =>
        {
            try
            {
                await using var refused = await host.ConnectAsync("drains");
                return false;
            }
            catch (ConnectionClosedException)
            {
                return true;
            }
        });
        stop.IsCompleted.Should().BeFalse();
        answer.SetResult();
        using var message = await response.WaitAsync(HostBed.Patience);
        message.ToString().Should().Be("in flight");
        await stop;
        hosted.State.Should().Be(ServerState.Stopped);
        host.Server("drains").Connections.Should().BeEmpty();
    }

    [Fact]
    public async Task The_drain_ends_with_the_hosts_own_time_out()
    {
        await using var host = new HostBed();
        host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.AddServer("hangs", options =>
        {
            options.DrainTimeout = TimeSpan.FromHours(1);
            options.HandlerFactory = Handlers.OnText(async (connection, _) =>
            {
                asked.TrySetResult();
                await connection.Closed;
            });
        });
        await host.StartAsync();
        await using var client = await host.ConnectAsync("hangs");
        await client.SendAsync("hang");
        await asked.Task.WaitAsync(HostBed.Patience);
        var connection = host.Server("hangs").Connections.Single();

        await host.StopAsync();
        (await connection.Closed.WaitAsync(HostBed.Patience)).Kind.Should().Be(CloseKind.ServerStopping);
    }

    [Fact]
    public async Task Configuration_for_a_name_that_does_not_exist_and_configuration_that_changes_are_told()
    {
        await using var host = new HostBed();
        host.AddServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        host.Configuration["SocketKit:Servers:reples:MaxConnections"] = "5";
        host.Configuration["SocketKit:Servers:replies:MaxConnections"] = "5";
        host.Configuration["SocketKit:Clients:nobody:Connect"] = "tcp://127.0.0.1:1";
        await host.StartAsync();
        host.OwnLogs.Where(line => line.Id.Id == 83).Select(line => line.Message).Should().Equal(
            "SocketKit:Servers:reples is configured, but the program has no server of this name; it has replies",
            "SocketKit:Clients:nobody is configured, but the program has no client of this name; it has none");

        host.Configuration["Other"] = "changed";
        ((Microsoft.Extensions.Configuration.IConfigurationRoot)host.Configuration).Reload();
        host.OwnLogs.Should().NotContain(line => line.Id.Id == 84);
        host.Configuration["SocketKit:Servers:replies:MaxConnections"] = "6";
        ((Microsoft.Extensions.Configuration.IConfigurationRoot)host.Configuration).Reload();
        ((Microsoft.Extensions.Configuration.IConfigurationRoot)host.Configuration).Reload();
        host.OwnLogs.Single(line => line.Id.Id == 84).Message.Should().Be("The configuration below SocketKit:Servers:replies has changed; settings are read once, so it counts after a restart");
    }

    [Fact]
    [Trait("Fault", "X29")]
    public async Task A_misspelled_section_is_told_with_the_name_that_it_is_nearest_to()
    {
        await using var host = new HostBed();
        host.AddServer("replies").BindConfiguration("SocketKit:Gateway:Replies").UseReplies(new GuessThanksSorryOkReplies());
        host.Configuration["SocketKit:Severs:replies:MaxConnections"] = "5";
        host.Configuration["SocketKit:clinets:upstream:Connect"] = "tcp://127.0.0.1:1";
        host.Configuration["SocketKit:Logging"] = "all";
        host.Configuration["SocketKit:Gateway:Replies:MaxConnections"] = "5";
        await host.StartAsync();
        host.OwnLogs.Where(line => line.Id.Id == 86).Select(line => line.Message).Should().BeEquivalentTo(
            "SocketKit:Severs is configured, but nothing reads it; did you mean SocketKit:Servers? There are SocketKit:Servers, SocketKit:Clients",
            "SocketKit:clinets is configured, but nothing reads it; did you mean SocketKit:Clients? There are SocketKit:Servers, SocketKit:Clients",
            "SocketKit:Logging is configured, but nothing reads it. There are SocketKit:Servers, SocketKit:Clients");
    }

    [Theory]
    [Trait("Fault", "X29")]
    [InlineData("SoketKit", "SoketKit is configured, but nothing reads it; did you mean SocketKit? There are SocketKit")]
    [InlineData("Sockets", null)]
    [InlineData("socketkit", null)]
    public async Task A_misspelled_root_is_told(string root, string? message)
    {
        await using var host = new HostBed();
        host.AddServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        host.Configuration[root + ":Servers:replies:MaxConnections"] = "5";
        await host.StartAsync();
        host.OwnLogs.Select(line => line.Message).Should().Equal(message is null ? [] : new[] { message });
    }

    [Theory]
    [Trait("Fault", "X29"), Trait("Fault", "X30")]
    [InlineData("SocketKit:Servers:replies:Framing: SocketServerOptions.Framer: its shortest frame has 2000 bytes*", "MaxFrameLength", "1000", "Framing:Kind", "FixedSize", "Framing:Size", "2000")]
    [InlineData("SocketKit:Servers:replies:Framing: SocketServerOptions.Framer: its line end*utf-16*", "TextEncoding", "utf-16", "Framing", "Lines")]
    [InlineData("SocketKit:Servers:replies: SocketServerOptions.Framer: its line end*utf-16*", "TextEncoding", "utf-16")]
    [InlineData("SocketKit:Servers:replies:Framing: SocketServerOptions.Framer: its delimiter \"|\" begins with the byte 7C in gb2312*", "TextEncoding", "gb2312", "Framing:Kind", "Delimited", "Framing:Delimiters", "|")]
    [InlineData("SocketKit:Servers:replies:Framing: SocketServerOptions.Framer: its end mark \"}\" begins with the byte 7D in gb2312*", "TextEncoding", "gb2312", "Framing:Kind", "Enclosed", "Framing:Begin", "#", "Framing:End", "}")]
    public async Task Configuration_that_does_not_go_together_fails_the_start_with_its_key(string message, params string[] settings)
    {
        await using var host = new HostBed();
        host.AddServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        foreach (var setting in settings.Chunk(2))
        {
            host.Configuration["SocketKit:Servers:replies:" + setting[0]] = setting[1];
        }

        (await host.Invoking(stopped => stopped.StartAsync()).Should().ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>()).WithMessage(message);
        host.OwnLogs.Single().Message.Should().Match("The server replies cannot start: " + message);
    }

    [Fact]
    [Trait("Fault", "X29")]
    public async Task A_client_whose_configuration_does_not_go_together_fails_the_start_with_its_key()
    {
        await using var host = new HostBed();
        host.Services.AddSocketClient("upstream");
        host.Configuration["SocketKit:Clients:upstream:Connect"] = "tcp://127.0.0.1:1";
        host.Configuration["SocketKit:Clients:upstream:Framing"] = "Lines";
        host.Configuration["SocketKit:Clients:upstream:TextEncoding"] = "utf-16";
        (await host.Invoking(stopped => stopped.StartAsync()).Should().ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>())
            .WithMessage("SocketKit:Clients:upstream:Framing: SocketClientOptions.Framer: its line end*");
    }

    /// <summary>Proves that an address is free.</summary>
    private static void Take(EndPoint address)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(address);
        socket.Listen();
    }

    private static async Task WaitAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(HostBed.Patience);
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Never gets its address.</summary>
    private sealed class HangingListener : Listener
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override EndPoint EndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 1);

        public override async ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken)
        {
            Asked.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        public override ValueTask<Transport?> AcceptAsync() => default;

        public override ValueTask StopAsync() => default;

        public override ValueTask DisposeAsync() => default;
    }

    private sealed class Between : IHostedService
    {
        public TaskCompletionSource Stopping { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            Stopping.SetResult();
            return GoOn.Task;
        }
    }
}
