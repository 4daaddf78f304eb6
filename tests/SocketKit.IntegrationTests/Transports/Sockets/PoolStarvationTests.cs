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
        var peers = await BlockedHandlers.BlockAsync(child, blocking, output);

        child.CountLog(9).Should().BeGreaterThan(0, "the log says that the pool is starved");
        await BlockedHandlers.ReleaseAsync(child, peers);
    }

    [Fact]
    [Trait("Fault", "H02")]
    public async Task A_starved_pool_makes_no_dead_peer_of_one_whose_bytes_have_arrived()
    {
        const int count = 20;
        await using var child = await ChildProcess.ServeAsync("min-threads=2", "heartbeat=300,3000");
        var peers = await BlockedHandlers.ConnectAsync(child, count);

        // More blocked work than the pool gets threads for in this time, so nothing is received; the bytes wait in the kernel.
        child.Command("starve 400 8000");
        await child.WaitForAsync("log Warning 9 The thread pool is starved");
        foreach (var peer in peers)
        {
            await peer.SendAsync("alive\n");
        }

        await child.WaitForAsync("fed");
        foreach (var peer in peers)
        {
            (await BlockedHandlers.SkipBeatsAsync(peer)).Should().Be("alive");
            await peer.SendAsync("and well\n");
            (await BlockedHandlers.SkipBeatsAsync(peer)).Should().Be("and well");
        }

        (await child.AskAsync("stats"))["connections"].Should().Be(count);
        child.Lines.Should().NotContain(line => line.Contains("HeartbeatTimeout"));
        peers.ForEach(peer => peer.Dispose());
    }
}
