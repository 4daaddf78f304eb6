using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>Peers over TLS that die, reset or fall silent, and too many of them.</summary>
public class TlsDeathTests(ITestOutputHelper output)
{
    public enum Moment
    {
        Idle,
        InsideFrame,
        InsideRecord,
        ServerIsSending,
    }

    [Theory]
    [Trait("Fault", "N02")]
    [InlineData(Moment.Idle, 300)]
    [InlineData(Moment.InsideFrame, 300)]
    [InlineData(Moment.InsideRecord, 200)]
    [InlineData(Moment.ServerIsSending, 200)]
    public async Task A_reset_is_one_closed_event_and_no_error(Moment moment, int resets)
    {
        const int atOnce = 20;
        var big = new byte[1024 * 1024];
        var unobserved = 0;
        EventHandler<UnobservedTaskExceptionEventArgs> note = (_, _) => Interlocked.Increment(ref unobserved);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException += note;
        await using var server = await TlsServer.StartAsync(onMessage: (connection, _) => connection.SendAsync(big), configure: SmallBuffersListener.Use);
        var sessions = new List<Session>();
        var reasons = new List<CloseReason>();
        for (var i = 0; i < resets; i += atOnce)
        {
            var peers = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => PrepareAsync(server, moment)));
            var opened = await server.OpenedAsync(atOnce);
            foreach (var peer in peers)
            {
                peer.Raw.Reset();
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
        await using var server = await TlsServer.StartAsync();
        var peers = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => TlsPeer.ConnectAsync(server.EndPoint)));
        var sessions = await server.OpenedAsync(count);

        var watch = Stopwatch.StartNew();
        foreach (var peer in peers)
        {
            await peer.Stream.ShutdownAsync();
            peer.Raw.Finish();
            if (reset)
            {
                peer.Raw.Reset();
            }
        }

        var reasons = await Task.WhenAll(sessions.Select(session => session.ClosedAsync()));
        output.WriteLine($"N05 over TLS: {count} half-closed connections closed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        reasons.Should().OnlyContain(reason => reason.Kind == CloseKind.PeerClosed || (reset && reason.Kind == CloseKind.PeerReset));
        foreach (var peer in peers)
        {
            peer.Dispose();
        }
    }

    [Fact]
    [Trait("Fault", "N05")]
    public async Task Waiting_for_a_silent_peer_to_finish_costs_no_processor_time_and_ends_after_a_second()
    {
        await using var child = await ChildProcess.ServeAsync("tls=yes");
        foreach (var measured in new[] { false, true })
        {
            var descriptors = child.Sockets;
            var peers = new List<TlsPeer>();
            for (var i = 0; i < 50; i++)
            {
                peers.Add(await ConnectAsync(child));
                await peers[i].EchoAsync("hello");
            }

            var closed = await child.AskAsync("close", "closed");
            var after = child.Sockets;
            peers.ForEach(peer => peer.Dispose());

            closed["connections"].Should().Be(50);
            closed["elapsed"].Should().BeGreaterThan(900).And.BeLessThan((long)Bounds.Seconds(1).TotalMilliseconds, "the close deadline is a second");
            if (measured)
            {
                output.WriteLine($"N05 over TLS: {closed["cpu"]} ms of processor time in {closed["elapsed"]} ms of waiting for 50 silent peers");
                closed["cpu"].Should().BeLessThan(closed["elapsed"] / 20);
                after.Should().Be(descriptors);
            }
        }
    }

    [UnixFact]
    [Trait("Fault", "L01")]
    public async Task Running_out_of_descriptors_neither_ends_nor_harms_those_who_are_connected()
    {
        await using var child = await ChildProcess.ServeAsync("ulimit -n 200", ["tls=yes"]);
        var existing = new List<TlsPeer>();
        for (var i = 0; i < 20; i++)
        {
            existing.Add(await ConnectAsync(child));
            await existing[i].EchoAsync("hello");
        }

        var crowd = new List<RawPeer>();
        for (var i = 0; i < 400; i++)
        {
            crowd.Add(await RawPeer.ConnectAsync(child.EndPoint));
        }

        await child.WaitForAsync("log Warning 2 Accepting on");
        var watch = Stopwatch.StartNew();
        var rounds = 0;
        while (watch.Elapsed < TimeSpan.FromSeconds(2))
        {
            await Task.WhenAll(existing.Select(peer => peer.EchoAsync("still here")));
            rounds++;
        }

        output.WriteLine($"L01 over TLS: out of descriptors for {watch.ElapsedMilliseconds} ms: {rounds * existing.Count} echoes for those connected");
        watch.Restart();
        crowd.ForEach(peer => peer.Reset());
        using var newcomer = await ConnectAsync(child);
        await newcomer.EchoAsync("hello");
        output.WriteLine($"L01 over TLS: recovered {watch.ElapsedMilliseconds} ms after the release");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(2));
        await Task.WhenAll(existing.Select(peer => peer.EchoAsync("still here")));
        child.Lines.Should().NotContain(line => line.StartsWith("error output") || line.StartsWith("log Error"));
        existing.ForEach(peer => peer.Dispose());
    }

    // The child's certificate is its own.
#pragma warning disable CA5359
    private static Task<TlsPeer> ConnectAsync(ChildProcess child) => TlsPeer.ConnectAsync(child.EndPoint, options => options.RemoteCertificateValidationCallback = (_, _, _, _) => true);
#pragma warning restore CA5359

    private static async Task<TlsPeer> PrepareAsync(TestServer server, Moment moment)
    {
        var peer = await TlsPeer.ConnectAsync(server.EndPoint, receiveBuffer: moment == Moment.ServerIsSending ? 4096 : 0);
        switch (moment)
        {
            case Moment.InsideFrame:
                await peer.SendAsync("half a lin");
                break;
            case Moment.InsideRecord:
                await peer.Raw.SendAsync([23, 3, 3, 0, 100, 1, 2, 3]);
                break;
            case Moment.ServerIsSending:
                await peer.SendAsync("go\n");
                await peer.Stream.ReadExactlyAsync(new byte[1]);
                break;
            default:
                break;
        }

        return peer;
    }
}
