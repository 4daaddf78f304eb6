using System.Diagnostics;
using System.Globalization;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Epoll;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>
/// Close and send racing from many threads: 64 peers echo messages with random pauses and end their connections in random ways, and every
/// message is accounted for. About 3 s; with SOCKETKIT_STRESS_MESSAGES=10000000 it goes on until so many messages were echoed (about a
/// minute).
/// </summary>
public class EngineStressTests(ITestOutputHelper output)
{
    private const int Peers = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [Fact]
    public Task Sends_and_closes_race_and_every_message_is_accounted_for() => RunAsync(Goal(600_000));

    // The loops' threads are held up for longer than two ticks at random points, so that their loops are taken over at any of them. Only a
    // build with DEBUG has the points.
    [Fact]
    public async Task Loops_that_are_taken_over_at_any_point_lose_no_message()
    {
        using var handOvers = new Measurements("socketkit.loop.hand_overs");
        var pauses = 0;
        Interleaving.Pause = () =>
        {
            if (Thread.CurrentThread.Name == "SocketKit loop" && Random.Shared.Next(1_000) == 0)
            {
                using var never = new ManualResetEventSlim();
                never.Wait(Random.Shared.Next(5, 40));
                Interlocked.Increment(ref pauses);
            }
        };
        try
        {
            await RunAsync(Goal(100_000));
        }
        finally
        {
            Interleaving.Pause = null;
        }

        output.WriteLine($"{pauses} pauses, {handOvers.Sum()} hand-overs");
#if DEBUG
        handOvers.Sum().Should().BePositive();
#endif
    }

    private static long Goal(long otherwise) =>
        long.TryParse(Environment.GetEnvironmentVariable("SOCKETKIT_STRESS_MESSAGES"), CultureInfo.InvariantCulture, out var asked) ? asked : otherwise;

    private async Task RunAsync(long goal)
    {
        _ = EpollEngine.Instance;
        var descriptors = Descriptors();
        var ledger = new StressServer.Ledger();
        await using var server = await StressServer.StartAsync(ledger);
        var watch = Stopwatch.StartNew();
        var peers = Enumerable.Range(0, Peers).Select(number => new StressPeer(number, server.EndPoint, goal / Peers)).ToArray();
        await Task.WhenAll(peers.Select(peer => Task.Run(peer.RunAsync))).WaitAsync(Patience);
        var elapsed = watch.Elapsed;

        var echoed = peers.Sum(peer => peer.Echoed);
        var connections = peers.Sum(peer => peer.Connections);
        SpinWait.SpinUntil(() => ledger.Closed == connections, TimeSpan.FromSeconds(30));
        output.WriteLine($"{echoed} messages echoed and checked on {connections} connections in {elapsed.TotalSeconds:0.0} s ({echoed / elapsed.TotalSeconds:0}/s), {peers.Sum(peer => peer.Pushed)} pushes; " +
            $"ends: {string.Join(", ", Enum.GetValues<StressPeer.End>().Select(end => $"{end} {peers.Sum(peer => peer.Ends[(int)end])}"))}; {peers.Sum(peer => peer.Cut)} messages were under way when their connection was cut");

        echoed.Should().BeGreaterThanOrEqualTo(goal);
        ledger.Opened.Should().Be(connections);
        ledger.Closed.Should().Be(connections, "each connection was closed, and told so once");
        ledger.Handled.Should().BeInRange(echoed, echoed + peers.Sum(peer => peer.Cut));
        server.Server.Connections.Count.Should().Be(0);
        await server.DisposeAsync();

        // The runtime needs some for the threads that it starts.
        const int threads = 16;
        SpinWait.SpinUntil(() => Descriptors() <= descriptors + threads, TimeSpan.FromSeconds(10));
        Descriptors().Should().BeLessThanOrEqualTo(descriptors + threads, "no connection leaves its descriptor behind");
    }

    private static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;
}
