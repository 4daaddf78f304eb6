using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

/// <summary>What the log says, how often, and that the documentation says the same.</summary>
public partial class LogTests
{
    [Theory]
    [InlineData("docs/metrics-and-logs.md")]
    [InlineData("docs/zh-CN/metrics-and-logs.md")]
    public void The_table_of_event_ids_is_that_of_the_code(string page)
    {
        var documented = Row().Matches(File.ReadAllText(Repository.PathOf(page)))
            .Select(row => $"{row.Groups["id"].Value} {row.Groups["name"].Value} {row.Groups["level"].Value}: {row.Groups["text"].Value.Replace("\\|", "|")}");

        var lines = typeof(Log).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => (method.Name, Line: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(method => method.Line is not null)
            .OrderBy(method => method.Line!.EventId)
            .ToArray();
        lines.Select(line => line.Line!.EventId).Should().OnlyHaveUniqueItems();
        var core = lines.Select(line => $"{line.Line!.EventId} {line.Name} {(line.Line.Level == LogLevel.None ? Levels[line.Line.EventId] : line.Line.Level.ToString())}: {line.Line.Message}");

        documented.Should().Equal(core);
    }

    // Lines whose level is not constant.
    private static Dictionary<int, string> Levels { get; } = new()
    {
        [2] = "Warning*",
        [3] = "Warning*",
        [4] = "Warning*",
        [5] = "Warning*",
        [21] = "Debug, Information*",
        [22] = "Error*",
        [24] = "Error*",
        [25] = "Information*",
        [29] = "Debug, Warning*",
        [30] = "Error*",
        [35] = "Error*",
    };

    [Fact]
    public async Task Many_peers_that_break_the_protocol_are_ten_lines_and_one_that_says_so_and_one_with_the_count()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.MaxFrameLength = 10);
        for (var count = 0; count < 500; count++)
        {
            await using var peer = await bed.ConnectRawAsync();
            await peer.SendAsync("longer than ten bytes\n");
            await peer.FinishAsync();
            await bed.Sessions.Last().ClosedCall;
        }

        bed.Network.Settle();
        var shown = bed.Logs.GetSnapshot().Where(line => line.Level >= LogLevel.Information).ToArray();
        shown.Count(line => line.Id.Id == 21).Should().Be(FloodGate.Burst);
        shown.Should().ContainSingle(line => line.Id.Id == 70).Which.Message.Should().Contain("connections closed as FrameTooLarge");
        bed.Logs.GetSnapshot().Count(line => line.Id.Id == 21).Should().Be(500, "at Debug each is there");

        bed.Advance(11);
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Id.Id == 71, "the window was full");
        bed.Advance(10);
        bed.Logs.GetSnapshot().Should().ContainSingle(line => line.Id.Id == 71).Which.Message.Should().StartWith("490 connections closed as FrameTooLarge");
    }

    [Fact]
    public async Task A_flood_of_one_kind_holds_no_other_back()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => throw new InvalidOperationException("no"), options => options.MaxFrameLength = 10);
        for (var count = 0; count < 20; count++)
        {
            await EndAsync("longer than ten bytes\n");
        }

        await EndAsync("x\n");

        var closed = bed.Logs.GetSnapshot().Where(line => line.Id.Id == 21).ToArray();
        closed.Count(line => line.Level == LogLevel.Debug).Should().Be(20 - FloodGate.Burst);
        closed[^1].Level.Should().Be(LogLevel.Information);
        closed[^1].Message.Should().Contain("HandlerFailed");

        async Task EndAsync(string text)
        {
            await using var peer = await bed.ConnectRawAsync();
            await peer.SendAsync(text);
            await peer.FinishAsync();
            await bed.Sessions.Last().ClosedCall;
        }
    }

    [Fact]
    [Trait("Fault", "L02")]
    public async Task A_server_at_its_maximum_with_a_coming_and_going_does_not_flood_the_log()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.MaxConnections = 1);
        for (var count = 0; count < 100; count++)
        {
            await using var peer = await bed.ConnectRawAsync();
            await using var refused = await bed.ConnectRawAsync();
            await refused.EndsAsync();
            await peer.DisposeAsync();
            bed.Network.Settle();
        }

        var shown = bed.Logs.GetSnapshot().Where(line => line.Level >= LogLevel.Information).ToArray();
        shown.Count(line => line.Id.Id == 4).Should().Be(FloodGate.Burst);
        shown.Count(line => line.Id.Id == 5).Should().Be(FloodGate.Burst);
        shown.Count(line => line.Id.Id == 70).Should().Be(1);
        shown.Should().NotContain(line => line.Id.Id == 21, "a refused connection is no line of its own");
    }

    [Fact]
    public async Task Accepting_that_fails_and_recovers_all_the_time_does_not_flood_the_log()
    {
        await using var bed = new TestBed();
        var listener = new WatchedListener(bed.Network.Listen("flaky"));
        await bed.StartAsync(configure: options => options.Listeners.Add(listener));
        for (var count = 0; count < 50; count++)
        {
            // The accept that waits takes the peer, the next one fails.
            listener.Failures.Enqueue(new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.TooManyOpenSockets));
            await using var peer = new RawPeer(await bed.Network.ConnectAsync("flaky"));
            bed.Network.Settle();
            bed.Network.Run(() => bed.Time.Advance(TimeSpan.FromMilliseconds(10)));
        }

        await Eventually.TrueAsync(() => bed.Logs.GetSnapshot().Count(line => line.Id.Id == 2) > 30 && bed.Logs.GetSnapshot().Count(line => line.Id.Id == 3) > 30);
        var shown = bed.Logs.GetSnapshot().Where(line => line.Level >= LogLevel.Warning).ToArray();
        shown.Count(line => line.Id.Id == 2).Should().Be(FloodGate.Burst);
        shown.Count(line => line.Id.Id == 3).Should().Be(FloodGate.Burst);
        shown.Count(line => line.Id.Id == 70).Should().Be(1);
        bed.Logs.GetSnapshot().Count(line => line.Id.Id == 2).Should().BeGreaterThan(30);
    }

    [Fact]
    public async Task A_peer_that_mixes_noise_and_messages_does_not_flood_the_log()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default, options => options.Framer = Framers.Enclosed("<", ">"));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(string.Concat(Enumerable.Repeat("noise<m>", 200)));
        bed.Network.Settle();

        var lines = bed.Logs.GetSnapshot();
        lines.Count(line => line.Id.Id == 25 && line.Level == LogLevel.Information).Should().Be(FloodGate.Burst);
        lines.Count(line => line.Id.Id == 25).Should().Be(200);
        lines.Count(line => line.Id.Id == 70).Should().Be(1);
    }

    [Fact]
    public async Task What_a_handler_logs_has_the_connection_in_its_scope()
    {
        var logs = new FakeLogCollector();
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(new FakeLoggerProvider(logs)));
        var mine = factory.CreateLogger("mine");
        await using var bed = await new TestBed().StartAsync(
            async (connection, message) =>
            {
                mine.LogInformation("before");
                await Task.Yield();
                connection.SetName("device\u001b7");
                mine.LogInformation("after");
            },
            options => options.LoggerFactory = factory);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        await Eventually.TrueAsync(() => logs.GetSnapshot().Count(line => line.Category == "mine") == 2);

        var lines = logs.GetSnapshot().Where(line => line.Category == "mine").ToArray();
        foreach (var line in lines)
        {
            var scope = line.Scopes.OfType<IReadOnlyList<KeyValuePair<string, object?>>>().Should().ContainSingle().Which;
            scope.Should().Contain(new KeyValuePair<string, object?>("ConnectionId", bed.Session.Connection.Id));
            scope.Single(entry => entry.Key == "Peer").Value.Should().BeOfType<string>().Which.Should().Contain("device\\u001b7");
            scope.ToString().Should().StartWith($"ConnectionId:{bed.Session.Connection.Id} Peer:");
        }

        mine.LogInformation("outside");
        logs.LatestRecord.Scopes.Should().BeEmpty("the scope ends with the handler's call");
    }

    // | 21 | Closed | Debug | `Connection ...` |
    [GeneratedRegex(@"^\| (?<id>\d+) \| `(?<name>\w+)` \| (?<level>[^|]+) \| `(?<text>(?:[^`|]|\\\|)*)` \|\r?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();
}
