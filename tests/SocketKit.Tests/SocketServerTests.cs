using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests;

/// <summary>Starting, accepting and refusing.</summary>
public class SocketServerTests
{
    [Fact]
    public async Task Several_listeners_serve_at_once_and_EndPoints_tells_them_in_order()
    {
        await using var bed = await new TestBed().StartAsync(configure: null);
        var network = bed.Network;
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { network.Listen("b"), network.Listen("a") },
            Framer = Framers.Lines(),
            HandlerFactory = Handlers.Reply(text => "got " + text),
        });
        server.EndPoints.Should().BeEmpty();
        await server.StartAsync();
        server.EndPoints.Should().Equal(new InMemoryEndPoint("b"), new InMemoryEndPoint("a"));

        foreach (var name in new[] { "a", "b" })
        {
            await using var peer = new RawPeer(await network.ConnectAsync(name));
            await peer.SendAsync("x\n");
            (await peer.ReceiveAsync()).Should().Be("got x\n");
        }
    }

    [Fact]
    public async Task When_one_address_fails_the_others_are_given_back_and_the_error_names_it()
    {
        await using var bed = await new TestBed().StartAsync();
        var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { bed.Network.Listen("free"), bed.Network.Listen(TestBed.Address) },
            Framer = Framers.Lines(),
            HandlerFactory = Handlers.OnText((_, _) => default),
        });
        var start = () => server.StartAsync();
        (await start.Should().ThrowAsync<ListenException>()).Which.EndPoint.Should().Be(new InMemoryEndPoint(TestBed.Address));
        server.State.Should().Be(ServerState.Stopped);
        await server.StopAsync().Soon();

        await using var next = new SocketServer(new SocketServerOptions { Listeners = { bed.Network.Listen("free") }, Framer = Framers.Lines(), HandlerFactory = Handlers.OnText((_, _) => default) });
        await next.StartAsync();
    }

    [Fact]
    public async Task A_server_is_started_once_and_a_stop_before_the_start_does_nothing()
    {
        await using var bed = new TestBed();
        var unstarted = new SocketServer(new SocketServerOptions());
        await unstarted.StopAsync();
        unstarted.State.Should().Be(ServerState.NotStarted);
        var broadcast = () => unstarted.BroadcastAsync("x"u8.ToArray()).AsTask();
        await broadcast.Should().ThrowAsync<InvalidOperationException>();

        await bed.StartAsync();
        var again = () => bed.Server.StartAsync();
        await again.Should().ThrowAsync<InvalidOperationException>();
        await bed.Server.StopAsync().Soon();
        await again.Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact]
    public async Task A_server_that_was_disposed_does_not_start_any_more()
    {
        var network = new InMemoryNetwork();
        SocketServer Server() => new(new SocketServerOptions { Listeners = { network.Listen("server") }, Framer = Framers.Lines(), HandlerFactory = Handlers.OnText((_, _) => default) });
        var (unstarted, started) = (Server(), Server());
        await started.StartAsync();

        foreach (var server in new[] { unstarted, started })
        {
            await server.DisposeAsync();
            server.State.Should().Be(ServerState.Stopped);
            await server.Invoking(disposed => disposed.StartAsync()).Should().ThrowAsync<ObjectDisposedException>();
            await server.Invoking(disposed => disposed.RunAsync()).Should().ThrowAsync<ObjectDisposedException>();
            await server.StopAsync().Soon();
            await server.DisposeAsync();
            server.State.Should().Be(ServerState.Stopped);
        }

        await using var next = Server();
        await next.StartAsync();
    }

    [Fact]
    [Trait("Fault", "L02")]
    public async Task Connections_beyond_the_maximum_are_refused_counted_and_logged_once_per_episode()
    {
        using var rejected = new MeterCount("socketkit.server.rejected_connections");
        await using var bed = await new TestBed().StartAsync(configure: options => options.MaxConnections = 5);
        var before = rejected.Count;
        var peers = new List<RawPeer>();
        for (var i = 0; i < 5; i++)
        {
            peers.Add(await bed.ConnectRawAsync());
        }

        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 20; i++)
            {
                await using var refused = await bed.ConnectRawAsync();
                (await refused.EndsAsync()).Should().BeFalse("it is reset");
                bed.Server.Connections.Should().HaveCount(5);
            }

            await peers[round].DisposeAsync();
            bed.Network.Settle();
            bed.Server.Connections.Should().HaveCount(4);
            peers.Add(await bed.ConnectRawAsync());
            bed.Server.Connections.Should().HaveCount(5);
        }

        (rejected.Count - before).Should().BeGreaterOrEqualTo(40);
        bed.Sessions.Should().HaveCount(7);
        var logs = bed.Logs.GetSnapshot();
        logs.Count(line => line.Message == "Refusing connections: 5 are connected (SocketServerOptions.MaxConnections)").Should().Be(2);
        logs.Count(line => line.Message == "Accepting connections again after refusing 20").Should().Be(2);
        foreach (var peer in peers)
        {
            await peer.SendAsync("x\n").ContinueWith(_ => { }, TaskScheduler.Default);
            await peer.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_accept_loop_backs_off_from_5_ms_to_1_s_and_logs_once_per_change()
    {
        await using var bed = new TestBed();
        var listener = new WatchedListener(bed.Network.Listen("flaky"));
        for (var i = 0; i < 12; i++)
        {
            listener.Failures.Enqueue(new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.TooManyOpenSockets));
        }

        await bed.StartAsync(configure: options => options.Listeners.Add(listener));
        var delay = TimeSpan.FromMilliseconds(5);
        for (var i = 1; i <= 12; i++)
        {
            listener.Accepts.Should().Be(i, "no spinning");
            bed.Network.Run(() => bed.Time.Advance(delay - TimeSpan.FromTicks(1)));
            listener.Accepts.Should().Be(i);
            bed.Network.Run(() => bed.Time.Advance(TimeSpan.FromTicks(1)));
            delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, TimeSpan.TicksPerSecond));
        }

        await using var peer = new RawPeer(await bed.Network.ConnectAsync("flaky"));
        await peer.SendAsync("served\n");
        (await peer.ReceiveAsync()).Should().Be("served\n");
        await Eventually.TrueAsync(() => bed.Logs.GetSnapshot().Any(line => line.Message.Contains("works again")));
        var logs = bed.Logs.GetSnapshot();
        logs.Should().ContainSingle(line => line.Message.StartsWith("Accepting on memory://flaky fails"));
        logs.Should().ContainSingle(line => line.Message == "Accepting on memory://flaky works again after 12 failures");
    }

    [Fact]
    public async Task A_stop_ends_a_back_off_at_once()
    {
        await using var bed = new TestBed();
        var listener = new WatchedListener(bed.Network.Listen("flaky"));
        listener.Failures.Enqueue(new IOException("once"));
        await bed.StartAsync(configure: options => options.Listeners.Add(listener));

        await bed.Server.StopAsync().Soon();
    }

    [Fact]
    public async Task An_opening_that_takes_its_time_is_in_nobodys_way()
    {
        await using var bed = new TestBed();
        await bed.StartAsync();
        var gate = Gate();
        bed.Listener.Opening = _ => new ValueTask(gate.Task);
        await using var slow = await bed.ConnectRawAsync();
        bed.Listener.Opening = _ => default;
        await using var quick = await bed.ConnectRawAsync();
        await quick.SendAsync("x\n");
        (await quick.ReceiveAsync()).Should().Be("x\n");
        bed.Server.Connections.Should().ContainSingle();

        gate.SetResult();
        await slow.SendAsync("y\n");
        (await slow.ReceiveAsync()).Should().Be("y\n");
    }

    [Fact]
    public async Task Options_are_copied_at_the_start()
    {
        SocketServerOptions? options = null;
        await using var bed = await new TestBed().StartAsync(configure: given => options = given);
        options!.Framer = Framers.Raw();
        options.MaxConnections = 1;
        options.HandlerFactory = null;

        await using var first = await bed.ConnectRawAsync();
        await using var second = await bed.ConnectRawAsync();
        await second.SendAsync("a line\n");
        (await second.ReceiveAsync()).Should().Be("a line\n");
    }

    [Fact]
    public async Task Ordinary_ends_are_logged_at_Debug_and_faults_at_Information()
    {
        await using var bed = await new TestBed().StartAsync();
        await using (var peer = await bed.ConnectRawAsync())
        {
            await peer.FinishAsync();
        }

        await using (var peer = await bed.ConnectRawAsync())
        {
            await peer.SendAsync("\r\r");
            await peer.FinishAsync();
        }

        bed.Network.Settle();
        var logs = bed.Logs.GetSnapshot().Where(line => line.Message.Contains(" closed: ")).ToArray();
        logs.Should().HaveCount(2);
        logs.Single(line => line.Message.Contains("PeerClosed")).Level.Should().Be(LogLevel.Debug);
        logs.Single(line => line.Message.Contains("ProtocolError")).Level.Should().Be(LogLevel.Information);
    }
}
