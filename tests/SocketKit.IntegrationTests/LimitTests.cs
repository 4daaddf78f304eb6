using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>More connections than there is room for.</summary>
public class LimitTests(ITestOutputHelper output)
{
    [UnixFact]
    [Trait("Fault", "L01")]
    public async Task Running_out_of_descriptors_neither_ends_nor_spins_nor_harms_those_who_are_connected()
    {
        await using var child = await ChildProcess.ServeAsync("ulimit -n 200", []);
        var existing = new List<RawPeer>();
        for (var i = 0; i < 20; i++)
        {
            existing.Add(await RawPeer.ConnectAsync(child.EndPoint));
            await existing[i].EchoAsync("hello");
        }

        // The kernel answers them from the backlog, whether the server takes them or not.
        var crowd = new List<RawPeer>();
        for (var i = 0; i < 400; i++)
        {
            crowd.Add(await RawPeer.ConnectAsync(child.EndPoint));
        }

        await child.WaitForAsync("log Warning 2 Accepting on");
        var before = await child.AskAsync("stats");
        var watch = Stopwatch.StartNew();
        var rounds = 0;
        while (watch.Elapsed < TimeSpan.FromSeconds(2))
        {
            // Nobody waits here for time to pass: those who are connected are served all the while.
            await Task.WhenAll(existing.Select(peer => peer.EchoAsync("still here")));
            rounds++;
        }

        var during = await child.AskAsync("stats");
        var errors = during["accept-errors"] - before["accept-errors"];
        output.WriteLine($"L01: out of descriptors for {watch.ElapsedMilliseconds} ms: {errors} more failed accepts, {rounds * existing.Count} echoes for those connected");
        during["accept-errors"].Should().BeGreaterThan(1);
        errors.Should().BeLessThan(30, "attempts are 5 ms to 1 s apart");

        // The process itself may free a descriptor for a moment, which lets one in: two more changes of state.
        await Eventually.TrueAsync(() => child.CountLog(2) == child.CountLog(3) + 1, "one line for one change of state");
        child.CountLog(3).Should().BeLessThan(3);

        watch.Restart();
        crowd.ForEach(peer => peer.Reset());
        using var newcomer = await RawPeer.ConnectAsync(child.EndPoint);
        await newcomer.EchoAsync("hello");
        output.WriteLine($"L01: recovered {watch.ElapsedMilliseconds} ms after the release");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(2));
        await Task.WhenAll(existing.Select(peer => peer.EchoAsync("still here")));

        var after = await child.AskAsync("stats");
        after["connections"].Should().BeLessThan(200);

        // Those of the crowd who were still in the backlog are taken, too, and may use the last descriptors up once more.
        await Eventually.TrueAsync(() => child.CountLog(2) == child.CountLog(3), "each failure was followed by a recovery");
        child.Lines.Should().NotContain(line => line.StartsWith("error output") || line.StartsWith("log Error"));
        existing.ForEach(peer => peer.Dispose());
    }

    [UnixFact]
    [Trait("Fault", "L01")]
    public async Task Accepting_fails_when_somebody_waits_in_vain_and_not_before()
    {
        await using var child = await ChildProcess.ServeAsync("ulimit -n 150", []);
        var peers = new List<RawPeer>();
        var stats = await child.AskAsync("stats");
        while (stats["accept-errors"] == 0)
        {
            peers.Add(await RawPeer.ConnectAsync(child.EndPoint));
            await Eventually.TrueAsync(
                async () => (stats = await child.AskAsync("stats"))["connections"] == peers.Count || stats["accept-errors"] > 0, "served or not");
        }

        // The last one waits, and nobody else does.
        stats["connections"].Should().Be(peers.Count - 1);
        await Eventually.TrueAsync(() => child.CountLog(2) == 1, "the one line");

        peers[0].Dispose();
        peers[1].Dispose();
        await Eventually.TrueAsync(() => child.CountLog(3) == 1, "the line that ends it");
        await peers[^1].EchoAsync("hello");
        peers.ForEach(peer => peer.Dispose());
    }

    [UnixFact]
    [Trait("Fault", "X44")]
    public async Task Dials_that_run_out_of_descriptors_fail_with_their_reason_and_go_on_when_there_are_some()
    {
        const int clients = 200;
        await using var server = await TestServer.StartAsync();
        await using var child = ChildProcess.StartLimited("ulimit -n 150", "many", $"{server.EndPoint}", $"{clients}",
            $"engine={TestEngine.Engine}");
        var stats = await child.AskAsync("stats");
        await Eventually.TrueAsync(async () => (stats = await child.AskAsync("stats"))["short"] > clients && stats["connected"] > 20,
            "each that finds none tries again");
        output.WriteLine($"X44: with 150 descriptors {stats["connected"]} of {clients} are connected");
        stats["connected"].Should().BeLessThan(150 - 16);

        // Those who leave make room.
        var ever = stats["ever"];
        child.Command("drop 15");
        await child.WaitForAsync("dropped");
        await Eventually.TrueAsync(async () => (stats = await child.AskAsync("stats"))["ever"] >= ever + 10, "others take their places");
        stats["other"].Should().Be(0,
            string.Join('\n', child.Lines.Where(line => line.StartsWith("other", StringComparison.Ordinal)).Take(5)));
        child.Lines.Should().NotContain(line => line.StartsWith("error output"));
    }

    [Fact]
    [Trait("Fault", "L02")]
    public async Task The_maximum_of_connections_is_exact_and_counted()
    {
        const int limit = 10;
        const int excess = 15;
        using var rejected = new Measurements("socketkit.server.rejected_connections");
        await using var server = await TestServer.StartAsync(configure: options => options.MaxConnections = limit);
        var peers = new List<RawPeer>();
        for (var i = 0; i < limit; i++)
        {
            peers.Add(await RawPeer.ConnectAsync(server.EndPoint));
        }

        var sessions = await server.OpenedAsync(limit);
        for (var i = 0; i < excess; i++)
        {
            await RefusedAsync(server);
        }

        await Eventually.TrueAsync(() => rejected.Sum() >= excess);
        rejected.Sum().Should().Be(excess);
        server.Waiting.Should().Be(0);
        server.Server.Connections.Count.Should().Be(limit);
        await Eventually.TrueAsync(() => server.LogFrom(LogLevel.Warning).Any(line => line.Contains("Refusing connections")), "told beside the accept loop");
        server.LogFrom(LogLevel.Warning).Should().ContainSingle(line => line.Contains("Refusing connections"));
        await Task.WhenAll(peers.Select(peer => peer.EchoAsync("still here")));

        // One leaves, and exactly one gets in.
        peers[0].Dispose();
        await Task.WhenAny(sessions.Select(session => session.ClosedAsync()));
        using var newcomer = await RawPeer.ConnectAsync(server.EndPoint);
        await newcomer.EchoAsync("in");
        await RefusedAsync(server);

        await Eventually.TrueAsync(() => rejected.Sum() > excess);
        rejected.Sum().Should().Be(excess + 1);
        server.Server.Connections.Count.Should().Be(limit);
        peers.ForEach(peer => peer.Dispose());
    }

    private static async Task RefusedAsync(TestServer server)
    {
        try
        {
            using var refused = await RawPeer.ConnectAsync(server.EndPoint);
            await refused.GoneAsync();
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Refused before the connect returned.
        }
    }
}
