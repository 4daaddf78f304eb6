using System.Diagnostics;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>Handlers that block, in a child that sends heartbeats: what holds on both engines.</summary>
internal static class BlockedHandlers
{
    /// <summary>Peers that have been served once.</summary>
    public static async Task<List<RawPeer>> ConnectAsync(ChildProcess child, int count)
    {
        var peers = new List<RawPeer>();
        for (var i = 0; i < count; i++)
        {
            peers.Add(await RawPeer.ConnectAsync(child.EndPoint));
            await peers[i].SendAsync("hello\n");
            (await SkipBeatsAsync(peers[i])).Should().Be("hello");
        }

        return peers;
    }

    /// <summary>The next line that is no heartbeat.</summary>
    public static async Task<string?> SkipBeatsAsync(RawPeer peer)
    {
        string? line;
        while ((line = await peer.ReceiveLineAsync()) == "beat")
        {
        }

        return line;
    }

    /// <summary>Blocks so many handlers: a newcomer is served, and a quiet peer gets its heartbeats.</summary>
    /// <returns>The peers whose handlers block.</returns>
    public static async Task<List<RawPeer>> BlockAsync(ChildProcess child, int count, ITestOutputHelper output)
    {
        using var quiet = await RawPeer.ConnectAsync(child.EndPoint);
        await quiet.SendAsync("hello\n");
        (await SkipBeatsAsync(quiet)).Should().Be("hello");
        var peers = await ConnectAsync(child, count);

        var watch = Stopwatch.StartNew();
        await Task.WhenAll(peers.Select(peer => peer.SendAsync("block\n")));
        await child.WaitForAsync("blocked 2");
        using var newcomer = await RawPeer.ConnectAsync(child.EndPoint);
        await newcomer.SendAsync("new\n");
        (await SkipBeatsAsync(newcomer)).Should().Be("new");
        output.WriteLine($"B04: {count} handlers block, pool minimum 2: a new connection's echo after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(2));

        // The clock: beats go on while all of them are blocked.
        await child.WaitForAsync($"blocked {count}");
        for (var i = 0; i < 3; i++)
        {
            watch.Restart();
            (await quiet.ReceiveLineAsync()).Should().Be("beat");
            watch.Elapsed.Should().BeLessThan(Bounds.Seconds(0.7));
        }

        return peers;
    }

    /// <summary>Lets them go on: each is answered.</summary>
    public static async Task ReleaseAsync(ChildProcess child, List<RawPeer> peers)
    {
        child.Command("release");
        foreach (var peer in peers)
        {
            (await SkipBeatsAsync(peer)).Should().Be("released");
            peer.Dispose();
        }
    }
}
