using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>Peers that die, reset or fall silent.</summary>
public class PeerDeathTests(ITestOutputHelper output)
{
    /// <summary>Where a peer is when it resets the connection.</summary>
    public enum Moment
    {
        Idle,
        InsideFrame,
        ServerIsSending,
    }

    [Fact]
    [Trait("Fault", "N01")]
    public async Task A_killed_process_is_noticed_at_once_on_all_its_connections()
    {
        const int count = 20;
        await using var server = await TestServer.StartAsync();
        var descriptors = Descriptors();
        await using var child = ChildProcess.Start("hold", $"{server.Port}", $"{count}");
        await child.WaitForAsync("ready");
        var sessions = await server.OpenedAsync(count);
        foreach (var session in sessions)
        {
            (await session.MessageAsync()).Should().Be("hello");
        }

        var watch = Stopwatch.StartNew();
        child.Kill();
        var reasons = await Task.WhenAll(sessions.Select(session => session.ClosedAsync()));

        output.WriteLine($"N01: {count} connections of a killed process closed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(0.1));
        reasons.Should().OnlyContain(reason => (reason.Kind == CloseKind.PeerClosed || reason.Kind == CloseKind.PeerReset) && reason.By == CloseParty.Peer);
        server.Server.Connections.Count.Should().Be(0);
        await child.DisposeAsync();
        Descriptors().Should().BeLessThanOrEqualTo(descriptors, "what is left over of another test may end meanwhile");
    }

    [Theory]
    [Trait("Fault", "N02")]
    [InlineData(Moment.Idle)]
    [InlineData(Moment.InsideFrame)]
    [InlineData(Moment.ServerIsSending)]
    public async Task A_reset_is_one_closed_event_and_no_error(Moment moment)
    {
        const int resets = 1000;
        const int atOnce = 20;
        var big = new byte[128 * 1024];
        var unobserved = 0;
        EventHandler<UnobservedTaskExceptionEventArgs> note = (_, _) => Interlocked.Increment(ref unobserved);

        // What other tests have left behind is not this one's.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException += note;
        await using var server = await TestServer.StartAsync((connection, message) => connection.SendAsync(big), SmallBuffersListener.Use);
        var sessions = new List<Session>();
        var reasons = new List<CloseReason>();
        for (var i = 0; i < resets; i += atOnce)
        {
            var peers = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => ResetAsync(server, moment)));
            var opened = await server.OpenedAsync(atOnce);
            foreach (var peer in peers)
            {
                peer.Reset();
            }

            sessions.AddRange(opened);
            reasons.AddRange(await Task.WhenAll(opened.Select(session => session.ClosedAsync())));
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= note;

        sessions.Should().HaveCount(resets).And.OnlyContain(session => session.ClosedCalls == 1);
        reasons.Should().OnlyContain(reason => reason.Kind == CloseKind.PeerReset && reason.By == CloseParty.Peer);
        unobserved.Should().Be(0);
        server.LogFrom(LogLevel.Information).Should().OnlyContain(line => line.Contains("Listening"));
        if (moment == Moment.ServerIsSending)
        {
            reasons.Should().OnlyContain(reason => reason.UnsentBytes > 0, "otherwise it was not inside a send");
        }
    }

    [Theory]
    [Trait("Fault", "N05")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_half_close_closes_at_once_whether_silence_or_a_reset_follows(bool reset)
    {
        const int count = 50;
        await using var server = await TestServer.StartAsync();
        var descriptors = Descriptors();
        var peers = await ConnectAsync(server, count);
        var sessions = await server.OpenedAsync(count);

        var watch = Stopwatch.StartNew();
        foreach (var peer in peers)
        {
            peer.Finish();
            if (reset)
            {
                peer.Reset();
            }
        }

        var reasons = await Task.WhenAll(sessions.Select(session => session.ClosedAsync()));
        output.WriteLine($"N05: {count} half-closed connections closed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        reasons.Should().OnlyContain(reason => reason.Kind == CloseKind.PeerClosed || (reset && reason.Kind == CloseKind.PeerReset));
        foreach (var peer in peers)
        {
            peer.Dispose();
        }

        Descriptors().Should().BeLessThanOrEqualTo(descriptors, "what is left over of another test may end meanwhile");
    }

    [Fact]
    [Trait("Fault", "N05")]
    public async Task Waiting_for_a_silent_peer_to_finish_costs_no_processor_time_and_ends_after_a_second()
    {
        await using var child = await ChildProcess.ServeAsync();
        foreach (var measured in new[] { false, true })
        {
            var descriptors = child.Descriptors;
            var peers = new List<RawPeer>();
            for (var i = 0; i < 50; i++)
            {
                var peer = await RawPeer.ConnectAsync(child.EndPoint);
                await peer.EchoAsync("hello");
                peers.Add(peer);
            }

            var closed = await child.AskAsync("close", "closed");
            var after = child.Descriptors;
            foreach (var peer in peers)
            {
                peer.Dispose();
            }

            closed["connections"].Should().Be(50);
            closed["elapsed"].Should().BeGreaterThan(900).And.BeLessThan((long)Bounds.Seconds(1).TotalMilliseconds, "the close deadline is a second");
            if (measured)
            {
                // The first round is for the compiler. A loop that spins would use all of a processor.
                output.WriteLine($"N05: {closed["cpu"]} ms of processor time in {closed["elapsed"]} ms of waiting for 50 silent peers");
                closed["cpu"].Should().BeLessThan(closed["elapsed"] / 20);
                after.Should().Be(descriptors);
            }
        }
    }

    [Fact]
    public async Task Half_a_frame_and_then_the_end_is_truncated()
    {
        await using var server = await TestServer.StartAsync();
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.EchoAsync("whole");
        await peer.SendAsync("hal");
        peer.Finish();

        var session = await server.OpenedAsync();
        var reason = await session.ClosedAsync();

        reason.Kind.Should().Be(CloseKind.Truncated);
        reason.By.Should().Be(CloseParty.Peer);
        reason.Detail.Should().Be("3 bytes without a line end");
        (await peer.ReceiveToEndAsync()).Should().BeEmpty("the server ends the stream as well");
    }

    private static async Task<RawPeer> ResetAsync(TestServer server, Moment moment)
    {
        var peer = await RawPeer.ConnectAsync(server.EndPoint, moment == Moment.ServerIsSending ? 4096 : 0);
        switch (moment)
        {
            case Moment.InsideFrame:
                await peer.SendAsync("half a lin");
                break;
            case Moment.ServerIsSending:
                await peer.SendAsync("go\n");
                await peer.ReceiveAsync(1);
                break;
            default:
                break;
        }

        return peer;
    }

    private static async Task<RawPeer[]> ConnectAsync(TestServer server, int count)
    {
        var peers = new RawPeer[count];
        for (var i = 0; i < count; i++)
        {
            peers[i] = await RawPeer.ConnectAsync(server.EndPoint);
        }

        return peers;
    }

    /// <summary>The sockets of this process; 0 where that cannot be told.</summary>
    private static int Descriptors() =>
        OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true) : 0;
}
