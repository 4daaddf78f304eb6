using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Epoll;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>Handlers that block, on a whole server.</summary>
public class BlockedHandlerTests(ITestOutputHelper output)
{
    private const int HeldLoop = 29;
    private const int NoThreadLeft = 30;
    private const int ManyLines = 70;

    [Fact]
    [Trait("Fault", "B04")]
    public async Task Blocked_handlers_harm_neither_accept_nor_clock_and_a_newcomer_is_served()
    {
        const int blocking = 64;
        await using var child = await ChildProcess.ServeAsync("min-threads=2", "heartbeat=500,60000");
        var peers = await BlockedHandlers.BlockAsync(child, blocking, output);

        // Each is one episode, though some blocked while their loop had no thread to spare for a moment: the first is told at Debug, ten
        // are a line each, and one says that there are more.
        await LoggedAsync(child, 10);
        await LoggedAsync(child, 1, ManyLines);
        await Eventually.TrueAsync(async () => (await child.AskAsync("stats"))["hand-overs"] >= blocking);
        child.CountLog(NoThreadLeft).Should().Be(0);
        (await child.AskAsync("stats"))["pool"].Should().BeLessThan(blocking / 2, "the pool is not what is blocked");
        await BlockedHandlers.ReleaseAsync(child, peers);
    }

    [Fact]
    [Trait("Fault", "H02")]
    public async Task A_starved_pool_does_not_keep_the_peers_from_being_served()
    {
        const int count = 20;
        await using var child = await ChildProcess.ServeAsync("min-threads=2", "heartbeat=300,3000");
        var peers = await BlockedHandlers.ConnectAsync(child, count);
        child.Command("starve 400 5000");
        await child.WaitForAsync("log Warning 9 The thread pool is starved");

        var slowest = TimeSpan.Zero;
        var rounds = 0;
        while (!child.Lines.Contains("fed"))
        {
            var watch = Stopwatch.StartNew();
            foreach (var peer in peers)
            {
                await peer.SendAsync("alive\n");
                (await BlockedHandlers.SkipBeatsAsync(peer)).Should().Be("alive");
            }

            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
            rounds++;
        }

        output.WriteLine($"H02: with the pool starved for 5 s, {rounds} rounds of {count} echoes; the slowest took {slowest.TotalMilliseconds:0} ms");
        slowest.Should().BeLessThan(Bounds.Seconds(0.5));
        (await child.AskAsync("stats"))["connections"].Should().Be(count);
        child.Lines.Should().NotContain(line => line.Contains("HeartbeatTimeout"));
        peers.ForEach(peer => peer.Dispose());
    }

    [Fact]
    [Trait("Fault", "B04")]
    public async Task A_handler_that_blocks_is_named_once_and_served_by_spares_until_it_behaves()
    {
        var onSpare = new ConcurrentDictionary<string, int>();
        TestServer? own = null;
        var episode = 1;
        await using var server = await TestServer.StartAsync((connection, message) =>
        {
            var text = Encoding.UTF8.GetString(message.Span);
            if (text == "block")
            {
                // The first one of an episode blocks until it is noticed, which is after a second.
                Blocking(TimeSpan.FromMilliseconds(100));
                SpinWait.SpinUntil(() => Blocks(own!).Length >= Volatile.Read(ref episode), TimeSpan.FromSeconds(5));
            }

            onSpare.AddOrUpdate(EpollLoop.Current is null ? "spare" : "loop", 1, (_, count) => count + 1);
            return connection.SendAsync(message);
        });
        own = server;
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.EchoAsync("hello");
        onSpare.Keys.Should().Equal("loop");

        // The thread that lost the loop goes on with what comes until it finds nothing.
        for (var i = 0; i < 50 && onSpare.GetValueOrDefault("spare") < 4; i++)
        {
            await peer.EchoAsync("block");
        }

        onSpare["spare"].Should().Be(4);
        var (level, line) = Blocks(server).Should().ContainSingle().Which;
        level.Should().Be(LogLevel.Debug, "once may be chance");
        line.Should().Contain(nameof(Session)).And.Contain(peer.Socket.LocalEndPoint!.ToString());
        line.Should().MatchRegex("held its event loop for 1[0-9]{3} ms so far");

        // Short ones bring it back to its loop.
        var loop = onSpare["loop"];
        var echoes = 0;
        var watch = Stopwatch.StartNew();
        while (onSpare["loop"] == loop && watch.Elapsed < TestServer.Patience)
        {
            echoes++;
            await peer.EchoAsync("short");
        }

        output.WriteLine($"Back on its loop after {echoes} echoes");
        onSpare["loop"].Should().BeGreaterThan(loop);
        echoes.Should().BeGreaterThanOrEqualTo(100);
        Volatile.Write(ref episode, 2);
        await peer.EchoAsync("block");
        Blocks(server).Should().HaveCount(2, "this is a new episode");
        Blocks(server)[1].Level.Should().Be(LogLevel.Warning, "it happens again");
    }

    // The bound is 256 spares besides the loops' threads.
    [Fact]
    [Trait("Fault", "B04")]
    public async Task More_handlers_that_block_than_there_are_spares_stop_the_loops_say_so_once_and_all_of_it_recovers()
    {
        var blocking = LoopThreads.MostSpares + (2 * Environment.ProcessorCount) + 40;
        await using var child = await ChildProcess.ServeAsync();
        var peers = await BlockedHandlers.ConnectAsync(child, blocking);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(peers.Select(peer => peer.SendAsync("block\n")));

        await child.WaitForAsync($"log Error {NoThreadLeft} ");
        output.WriteLine($"{blocking} handlers block: no spare left after {watch.ElapsedMilliseconds} ms");
        var stats = await child.AskAsync("stats");
        stats["exhausted"].Should().BePositive();
        await Eventually.TrueAsync(async () => (await child.AskAsync("stats"))["hand-overs"] >= LoopThreads.MostSpares);
        child.ThreadsNamed("SocketKit loop").Should().BeLessThanOrEqualTo(LoopThreads.MostSpares + Environment.ProcessorCount + 1);
        child.CountLog(NoThreadLeft).Should().Be(1);

        watch.Restart();
        child.Command("release");
        foreach (var peer in peers)
        {
            (await peer.ReceiveLineAsync()).Should().Be("released");
            await peer.EchoAsync("and well");
        }

        output.WriteLine($"All served {watch.ElapsedMilliseconds} ms after the release");
        child.CountLog(NoThreadLeft).Should().Be(1);
        peers.ForEach(peer => peer.Dispose());
    }

    [Fact]
    public async Task An_idle_process_has_no_thread_that_ticks()
    {
        await using var child = await ChildProcess.ServeAsync();
        var peers = await BlockedHandlers.ConnectAsync(child, 10);
        peers.ForEach(peer => peer.Dispose());

        // The loops, parked spares and the monitor, from 1 s after the last dispatch on; measured once they have come to rest.
        var before = child.Switches();
        var quiet = 0;
        var watch = Stopwatch.StartNew();
        var longest = 0L;
        while (quiet < 30 && watch.Elapsed < TestServer.Patience)
        {
            // That nothing happens shows in time alone.
            Blocking(TimeSpan.FromMilliseconds(100));
            var now = child.Switches();
            quiet = now == before ? quiet + 1 : 0;
            longest = Math.Max(longest, now - before);
            before = now;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The engine's threads stand still for 3 s, {watch.Elapsed.TotalSeconds:0.0} s after the last connection; at most {longest} switches in 100 ms before"));
        quiet.Should().Be(30, "none of the engine's threads may run for 3 s");
    }

    /// <summary>Blocks its thread, as a handler must not.</summary>
    private static void Blocking(TimeSpan time)
    {
        using var never = new ManualResetEventSlim();
        never.Wait(time);
    }

    private static (LogLevel Level, string Line)[] Blocks(TestServer server) =>
        [.. server.Logs.GetSnapshot().Where(record => record.Id.Id == HeldLoop).Select(record => (record.Level, record.Message))];

    private static async Task LoggedAsync(ChildProcess child, int atLeast, int eventId = HeldLoop)
    {
        while (child.CountLog(eventId) < atLeast)
        {
            await child.WaitForAsync($"log Warning {eventId} ");
        }
    }
}
