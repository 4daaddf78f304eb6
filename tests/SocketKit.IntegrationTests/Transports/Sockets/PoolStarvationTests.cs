using System.Diagnostics;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Sockets;

/// <summary>Handlers and strangers that hold the thread pool's threads.</summary>
public class PoolStarvationTests(ITestOutputHelper output)
{
    [Fact]
    [Trait("Fault", "B04")]
    public async Task Blocked_handlers_harm_neither_accept_nor_clock_and_a_newcomer_is_served()
    {
        const int blocking = 64;
        await using var child = await ChildProcess.ServeAsync("min-threads=2", "heartbeat=500,60000");
        using var quiet = await RawPeer.ConnectAsync(child.EndPoint);
        await quiet.EchoAsync("hello");
        var peers = new List<RawPeer>();
        for (var i = 0; i < blocking; i++)
        {
            peers.Add(await RawPeer.ConnectAsync(child.EndPoint));
            await peers[i].EchoAsync("hello");
        }

        var watch = Stopwatch.StartNew();
        await Task.WhenAll(peers.Select(peer => peer.SendAsync("block\n")));
        await child.WaitForAsync("blocked 2");
        using var newcomer = await RawPeer.ConnectAsync(child.EndPoint);
        await newcomer.SendAsync("new\n");
        (await newcomer.ReceiveLineAsync()).Should().Be("new");
        output.WriteLine($"B04: {blocking} handlers block, pool minimum 2: a new connection's echo after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(2));

        // The clock: beats go on while all of them are blocked.
        await child.WaitForAsync($"blocked {blocking}");
        for (var i = 0; i < 3; i++)
        {
            watch.Restart();
            (await quiet.ReceiveLineAsync()).Should().Be("beat");
            watch.Elapsed.Should().BeLessThan(Bounds.Seconds(0.7));
        }

        child.CountLog(9).Should().BeGreaterThan(0, "the log says that the pool is starved");
        child.Command("release");
        foreach (var peer in peers)
        {
            (await SkipBeatsAsync(peer)).Should().Be("released");
            peer.Dispose();
        }
    }

    [Fact]
    [Trait("Fault", "H02")]
    public async Task A_starved_pool_makes_no_dead_peer_of_one_whose_bytes_have_arrived()
    {
        const int count = 20;
        await using var child = await ChildProcess.ServeAsync("min-threads=2", "heartbeat=300,1000");
        var peers = new List<RawPeer>();
        for (var i = 0; i < count; i++)
        {
            peers.Add(await RawPeer.ConnectAsync(child.EndPoint));
            await peers[i].SendAsync("hello\n");
            (await SkipBeatsAsync(peers[i])).Should().Be("hello");
        }

        // More blocked work than the pool gets threads for in this time, so nothing is received; the bytes wait in the kernel.
        child.Command("starve 400 3000");
        await child.WaitForAsync("log Warning 9 The thread pool is starved");
        foreach (var peer in peers)
        {
            await peer.SendAsync("alive\n");
        }

        await child.WaitForAsync("fed");
        foreach (var peer in peers)
        {
            (await SkipBeatsAsync(peer)).Should().Be("alive");
            await peer.SendAsync("and well\n");
            (await SkipBeatsAsync(peer)).Should().Be("and well");
        }

        (await child.AskAsync("stats"))["connections"].Should().Be(count);
        child.Lines.Should().NotContain(line => line.Contains("HeartbeatTimeout"));
        peers.ForEach(peer => peer.Dispose());
    }

    private static async Task<string?> SkipBeatsAsync(RawPeer peer)
    {
        string? line;
        while ((line = await peer.ReceiveLineAsync()) == "beat")
        {
        }

        return line;
    }
}
