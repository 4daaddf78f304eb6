using System.Diagnostics;
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
        var big = new byte[128 * 1024];
        await using var server = await TestServer.StartAsync((connection, message) => connection.SendAsync(big), SmallBuffersListener.Use);

        await PeerDeaths.ResetAsync(server, resets: 1000, () => PrepareAsync(server, moment), insideSend: moment == Moment.ServerIsSending);
    }

    [Theory]
    [Trait("Fault", "N05")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_half_close_closes_at_once_whether_silence_or_a_reset_follows(bool reset)
    {
        await using var server = await TestServer.StartAsync();
        var descriptors = Descriptors();
        var peers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => RawPeer.ConnectAsync(server.EndPoint)));

        await PeerDeaths.FinishAsync(
            server,
            peers,
            peer =>
            {
                peer.Finish();
                return Task.CompletedTask;
            },
            reset ? peer => peer.Reset() : null,
            output);

        Descriptors().Should().BeLessThanOrEqualTo(descriptors, "what is left over of another test may end meanwhile");
    }

    [Fact]
    [Trait("Fault", "N05")]
    public async Task Waiting_for_a_silent_peer_to_finish_costs_no_processor_time_and_ends_after_a_second()
    {
        await using var child = await ChildProcess.ServeAsync();

        await PeerDeaths.StaySilentAsync(
            child,
            async () =>
            {
                var peer = await RawPeer.ConnectAsync(child.EndPoint);
                await peer.EchoAsync("hello");
                return peer;
            },
            output);
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

    private static async Task<RawPeer> PrepareAsync(TestServer server, Moment moment)
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

    /// <summary>The sockets of this process; 0 where that cannot be told.</summary>
    private static int Descriptors() =>
        OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true) : 0;
}
