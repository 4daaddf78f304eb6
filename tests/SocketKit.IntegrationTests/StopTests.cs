using System.Diagnostics;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>The three stages of a stop.</summary>
public class StopTests(ITestOutputHelper output)
{
    [Fact]
    [Trait("Fault", "N08")]
    public async Task Stop_ends_within_its_time_with_hundreds_of_peers_that_do_not_read_and_some_dead_ones()
    {
        const int notReading = 500;
        const int dead = 50;
        var drain = TimeSpan.FromSeconds(1);
        var big = new byte[256 * 1024];
        await using var server = await TestServer.StartAsync(
            (connection, message) => message.Span.SequenceEqual("wait"u8) ? connection.SendAsync(big) : SendAndForget(connection, big),
            options =>
            {
                SmallBuffersListener.Use(options);
                options.DrainTimeout = drain;
            });
        var peers = new List<RawPeer>();
        for (var i = 0; i < notReading + dead; i++)
        {
            var peer = await RawPeer.ConnectAsync(server.EndPoint, receiveBuffer: 4096);
            peers.Add(peer);

            // Half of the handlers wait for room when the stop begins, the other half have only left bytes behind.
            await peer.SendAsync(i % 2 == 0 ? "wait\n" : "forget\n");
            await peer.ReceiveAsync(1);
        }

        var sessions = await server.OpenedAsync(notReading + dead);
        var watch = Stopwatch.StartNew();
        var stop = server.Server.StopAsync();
        foreach (var peer in peers.Take(dead))
        {
            peer.Reset();
        }

        await stop.WaitAsync(TestServer.Patience);
        output.WriteLine($"N08: stop with {notReading} peers not reading took {watch.ElapsedMilliseconds} ms, drain time {drain.TotalMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(drain.TotalSeconds + 1));
        await Eventually.TrueAsync(() => server.Server.Connections.Count == 0);
        await Task.WhenAll(sessions.Select(session => session.ClosedAsync()));
        foreach (var peer in peers)
        {
            peer.Dispose();
        }
    }

    [Theory]
    [Trait("Fault", "X12")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stop_lets_what_had_arrived_be_handled(bool awaits)
    {
        const int count = 3_000;
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var gate = new ManualResetEventSlim();
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handled = 0;
        await using var server = await TestServer.StartAsync(async (_, _) =>
        {
            begun.TrySetResult();
            if (awaits)
            {
                await opened.Task;
            }
            else
            {
                gate.Wait(TestServer.Patience);
            }

            Interlocked.Increment(ref handled);
        }, options => options.DrainTimeout = TestServer.Patience);
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.SendAsync(string.Concat(Enumerable.Range(0, count).Select(number => $"{number}\n")));
        await begun.Task.WaitAsync(TestServer.Patience);

        var stop = server.Server.StopAsync();
        gate.Set();
        opened.SetResult();
        await stop.WaitAsync(TestServer.Patience);

        handled.Should().Be(count);
    }

    [Fact]
    [Trait("Fault", "G01")]
    public async Task Stop_lets_a_request_in_flight_be_answered_and_accepts_nobody_meanwhile()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TestServer.StartAsync(async (connection, message) =>
        {
            await gate.Task;
            await connection.SendAsync("answer");
        });
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        using var idle = await RawPeer.ConnectAsync(server.EndPoint);
        var sessions = await server.OpenedAsync(2);
        await peer.SendAsync("request\n");
        await Task.WhenAny(sessions.Select(session => session.MessageAsync()));

        var stop = server.Server.StopAsync();
        (await idle.ReceiveToEndAsync()).Should().BeEmpty("a connection with nothing in flight is closed at once");
        var newcomer = () => RawPeer.ConnectAsync(server.EndPoint);
        await newcomer.Should().ThrowAsync<System.Net.Sockets.SocketException>();
        stop.IsCompleted.Should().BeFalse();
        gate.SetResult();

        (await peer.ReceiveLineAsync()).Should().Be("answer");
        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
        peer.Dispose();
        idle.Dispose();
        await stop.WaitAsync(TestServer.Patience);
        var reasons = await Task.WhenAll(sessions.Select(session => session.ClosedAsync()));
        reasons.Should().OnlyContain(reason => reason.Kind == CloseKind.ServerStopping && reason.Phase == ClosePhase.Draining);
    }

    [Fact]
    [Trait("Fault", "G01")]
    public async Task A_second_stop_joins_the_first()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TestServer.StartAsync((connection, message) => new ValueTask(gate.Task));
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.SendAsync("request\n");
        var session = await server.OpenedAsync();
        await session.MessageAsync();

        var first = server.Server.StopAsync();
        var second = server.Server.StopAsync();

        second.IsCompleted.Should().BeFalse();
        gate.SetResult();
        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
        peer.Dispose();
        await Task.WhenAll(first, second).WaitAsync(TestServer.Patience);
        await server.Server.StopAsync().WaitAsync(TestServer.Patience);
        (await session.ClosedAsync()).Kind.Should().Be(CloseKind.ServerStopping);
    }

    [Fact]
    [Trait("Fault", "G01")]
    public async Task Stop_during_start_stops_the_server_and_gives_the_address_back()
    {
        for (var i = 0; i < 20; i++)
        {
            var server = new SocketServer(new SocketServerOptions { Listeners = { TestWire.Listen() }, Framer = Framers.Lines(), HandlerFactory = Handlers.Reply(text => text) });

            var start = server.StartAsync();
            await server.StopAsync().WaitAsync(TestServer.Patience);

            await start.WaitAsync(TestServer.Patience);
            var dial = () => RawPeer.ConnectAsync(server.EndPoints[0]);
            await dial.Should().ThrowAsync<System.Net.Sockets.SocketException>();
        }
    }

    [Fact]
    [Trait("Fault", "G01")]
    public async Task Stop_awaited_in_a_handler_does_not_wait_for_that_handler()
    {
        await using var server = await TestServer.StartAsync(async (connection, message) =>
        {
            await connection.SendAsync("stopping");
            await connection.Server.StopAsync();
            await connection.SendAsync("stopped");
        });
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        var watch = Stopwatch.StartNew();
        await peer.SendAsync("stop\n");

        (await peer.ReceiveLineAsync()).Should().Be("stopping");
        (await peer.ReceiveLineAsync()).Should().Be("stopped");
        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
        peer.Dispose();
        (await (await server.OpenedAsync()).ClosedAsync()).Kind.Should().Be(CloseKind.ServerStopping);
        watch.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(9), "the drain time is 10 s");
    }

    [UnixTheory]
    [Trait("Fault", "G01")]
    [InlineData(15)]
    [InlineData(2)]
    public async Task A_signal_drains_a_running_server_and_the_process_ends_with_0(int signal)
    {
        await using var child = await ChildProcess.ServeAsync();
        using var peer = await RawPeer.ConnectAsync(child.EndPoint);
        await peer.SendAsync("hold\n");
        await child.WaitForAsync("held");
        await Eventually.TrueAsync(() => child.Lines.Contains("running"));

        child.Signal(signal);
        await child.WaitForAsync("log Information 6 Stopping with 1 connections");
        child.Command("release");

        (await peer.ReceiveLineAsync()).Should().Be("done");
        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
        peer.Dispose();
        (await child.ExitAsync()).Should().Be(0);
        child.Lines.Should().Contain("stopped");
    }

    private static ValueTask SendAndForget(IConnection connection, byte[] message)
    {
        _ = connection.SendAsync(message).AsTask();
        return default;
    }
}
