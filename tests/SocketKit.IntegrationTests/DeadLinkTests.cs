using System.Diagnostics;
using System.Globalization;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>Links between two living peers that go dead.</summary>
public class DeadLinkTests(ITestOutputHelper output)
{
    [LinkFact]
    [Trait("Fault", "N03")]
    public async Task A_link_that_goes_dead_while_idle_is_found_by_both_ends_in_interval_plus_time_out()
    {
        // Pings after 2 s of silence, and waits another 2 s for the pong.
        const string heartbeat = "ping=2000,4000";
        await using var link = await Link.CreateAsync();
        await using var server = await link.ServeAsync(heartbeat);
        await using var client = link.Connect(server, heartbeat);
        var asked = Stopwatch.GetTimestamp();
        await AskAsync(client, "last words");

        var began = Stopwatch.GetTimestamp();
        var words = Stopwatch.GetElapsedTime(asked, began);
        await link.SilenceAsync();
        var ends = await Task.WhenAll(EndAsync(server, began), EndAsync(client, began));

        foreach (var (reason, after) in ends)
        {
            output.WriteLine($"N03: a dead link was found after {after.TotalMilliseconds:0} ms at 2000 + 2000 ms; {reason}");
            reason.Should().StartWith("HeartbeatTimeout by Peer while Open: nothing received for ");
            (after + words).Should().BeGreaterThan(TimeSpan.FromSeconds(3.6));
            after.Should().BeLessThan(Bounds.Seconds(4.4));
        }
    }

    [LinkFact]
    [Trait("Fault", "N04")]
    public async Task A_link_that_goes_dead_in_the_middle_of_a_flood_is_a_slow_consumer()
    {
        await using var link = await Link.CreateAsync();
        await using var server = await link.ServeAsync("slow=1000");
        await using var client = link.Connect(server);
        await AskAsync(client, "hello");
        server.Command("flood 65536");
        await client.WaitForAsync("took a message");

        var began = Stopwatch.GetTimestamp();
        await link.SilenceAsync();
        var (reason, after) = await EndAsync(server, began);

        output.WriteLine($"N04: a dead link with more in flight than the kernel takes: closed after {after.TotalMilliseconds:0} ms, deadline 1000 ms");
        reason.Should().StartWith("SlowConsumer by Peer while Open: ").And.EndWith(" bytes unsent)");
        after.Should().BeGreaterThan(TimeSpan.FromSeconds(0.9)).And.BeLessThan(Bounds.Seconds(1.3));
    }

    [LinkFact]
    [Trait("Fault", "N04")]
    public async Task What_the_kernel_has_taken_and_nobody_acknowledges_fails_the_wire_in_the_kernels_own_time()
    {
        await using var link = await Link.CreateAsync();
        await using var server = await link.ServeAsync();
        await using var client = link.Connect(server);
        await AskAsync(client, "hello");

        // That a connection has 30 s without this is what the transports' tests hold.
        server.Command("user-timeout 1000");
        await server.WaitForAsync("user-timeout is set");
        await link.SilenceAsync();
        var began = Stopwatch.GetTimestamp();
        server.Command("send 10");
        var (reason, after) = await EndAsync(server, began);

        output.WriteLine($"N04: a dead link with 10 bytes in flight: closed after {after.TotalMilliseconds:0} ms, TCP user time-out 1000 ms");
        reason.Should().StartWith("TransportFailed by Network while Open: ");
        after.Should().BeGreaterThan(TimeSpan.FromSeconds(0.9)).And.BeLessThan(Bounds.Seconds(1.5), "the kernel's time begins when it first sends again");
    }

    [LinkFact]
    [Trait("Fault", "N11")]
    public async Task A_client_outlives_a_link_that_goes_up_and_down_and_leaves_nothing_behind()
    {
        const int flaps = 3;
        const string heartbeat = "heartbeat=500,3000";
        await using var link = await Link.CreateAsync();
        await using var server = await link.ServeAsync(heartbeat);
        await using var client = link.Connect(server, heartbeat, "connect-timeout=300");
        await AskAsync(client, "before");
        var before = (Server: server.Sockets, Client: client.Sockets);

        var back = new List<long>();
        for (var i = 0; i < flaps; i++)
        {
            await link.DropAsync();

            // Not the end of an attempt that the client gave up when the server had just accepted it.
            await server.WaitForAsync("ended HeartbeatTimeout by Peer ");
            (await client.WaitForAsync("state Waiting ")).Should().StartWith("state Waiting HeartbeatTimeout by Peer ");

            // Down for about a second in all: at least one attempt fails.
            (await client.WaitForAsync("state Waiting ")).Should().StartWith("state Waiting Connect");

            var watch = Stopwatch.StartNew();
            await link.RaiseAsync();
            await client.WaitForAsync("state Connected ");
            back.Add(watch.ElapsedMilliseconds);
            await AskAsync(client, $"after {i}");
        }

        output.WriteLine($"N11: {flaps} times down and up: connected again after {string.Join(", ", back)} ms");
        back.Should().OnlyContain(milliseconds => milliseconds < Bounds.Seconds(1.5).TotalMilliseconds);
        await Eventually.TrueAsync(async () => (await server.AskAsync("stats"))["connections"] == 1);
        await Eventually.TrueAsync(() => server.Sockets == before.Server && client.Sockets == before.Client, "attempts that were given up leave nothing behind");
    }

    private static async Task AskAsync(ChildProcess client, string text)
    {
        client.Command($"ask {text}");
        await client.WaitForAsync($"answer {text}");
    }

    /// <summary>
    /// Why a peer's connection ended, and how long after a time stamp. The peer says when that was: its line may be late.
    /// </summary>
    private static async Task<(string Reason, TimeSpan After)> EndAsync(ChildProcess peer, long began)
    {
        const string ended = "ended ";
        var line = await peer.WaitForAsync(ended);
        var at = line.LastIndexOf(" @", StringComparison.Ordinal);
        return (line[ended.Length..at], Stopwatch.GetElapsedTime(began, long.Parse(line.AsSpan(at + 2), CultureInfo.InvariantCulture)));
    }
}
