using System.Diagnostics;
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
        var big = new byte[1024 * 1024];
        await using var server = await TlsServer.StartAsync(onMessage: (connection, _) => connection.SendAsync(big), configure: SmallBuffersListener.Use);

        await PeerDeaths.ResetAsync(server, resets, async () => (await PrepareAsync(server, moment)).Raw, insideSend: moment == Moment.ServerIsSending);
    }

    [Theory]
    [Trait("Fault", "N05")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_half_close_closes_at_once_whether_silence_or_a_reset_follows(bool reset)
    {
        await using var server = await TlsServer.StartAsync();
        var peers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => TlsPeer.ConnectAsync(server.EndPoint)));

        await PeerDeaths.FinishAsync(
            server,
            peers,
            async peer =>
            {
                await peer.Stream.ShutdownAsync();
                peer.Raw.Finish();
            },
            reset ? peer => peer.Raw.Reset() : null,
            output);
    }

    [Fact]
    [Trait("Fault", "N05")]
    public async Task Waiting_for_a_silent_peer_to_finish_costs_no_processor_time_and_ends_after_a_second()
    {
        await using var child = await ChildProcess.ServeAsync("tls=yes");

        await PeerDeaths.StaySilentAsync(
            child,
            async () =>
            {
                var peer = await ConnectAsync(child);
                await peer.EchoAsync("hello");
                return peer;
            },
            output);
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
