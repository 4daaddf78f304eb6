using System.CommandLine;
using SocketKit.Load.Driving;
using SocketKit.Load.Reporting;

namespace SocketKit.Load.Measuring;

/// <summary>What a handler that blocks does to the others.</summary>
/// <param name="MaximumRate">Messages per second in closed loop, nobody blocking.</param>
/// <param name="Rate">What was sent in open loop, over all connections.</param>
/// <param name="Undisturbed">Median over the rounds of the others' p99 in microseconds, nobody blocking.</param>
/// <param name="Disturbed">The same while one blocks.</param>
/// <param name="Ratio">Median over the rounds of the second by the first.</param>
internal sealed record BlockingResult(double MaximumRate, double Rate, double Undisturbed, double Disturbed, double Ratio, LoadResult[] WithoutBlocking, LoadResult[] WithBlocking);

/// <summary><c>measure blocking</c>.</summary>
internal static class BlockingMeasurement
{
    private static readonly Option<int> Connections = MeasureCommand.Count("--connections", "How many.", 64);
    private static readonly Option<int> Every = MeasureCommand.Count("--block-every", "One of so many blocks at each message.", 64);
    private static readonly Option<int> Milliseconds = MeasureCommand.Count("--block-ms", "For so many milliseconds.", 100);
    private static readonly Option<double> Fraction = MeasureCommand.Seconds("--fraction", "Of the maximum rate, this part is sent.", 0.1).Between(0.001, 1);
    private static readonly Option<int> Rounds = MeasureCommand.Count("--rounds", "How often both are measured.", 3);
    private static readonly Option<double> Seconds = MeasureCommand.Seconds("--seconds", "How long each is measured.", 5);
    private static readonly Option<double> WarmUp = MeasureCommand.Seconds("--warm-up", "Seconds of the same before that.", 10);

    public static Command Create() => MeasureCommand.Measurement(
        "blocking", "Open loop: the p99 of all others while one handler always blocks its thread, against the p99 while none does.", ["epoll", "sockets"],
        [Connections, Every, Milliseconds, Fraction, Rounds, Seconds, WarmUp],
        ["maximum, messages/s", "sent, messages/s", "p99 undisturbed, us", "p99 of the others, us", "ratio"], MeasureAsync,
        result => [MarkdownReport.Number(result.MaximumRate), MarkdownReport.Number(result.Rate), MarkdownReport.Number(result.Undisturbed), MarkdownReport.Number(result.Disturbed), $"{result.Ratio:0.00}"],
        oursOnly: true);

    private static async Task<BlockingResult> MeasureAsync(Turn turn)
    {
        var closed = new LoadOptions(turn.Arguments.GetValue(Connections), Depth: 1, Size: 32)
        {
            Time = TimeSpan.FromSeconds(turn.Arguments.GetValue(Seconds)),
            WarmUp = TimeSpan.FromSeconds(turn.Arguments.GetValue(WarmUp)),
            FirstProcessor = turn.LoadProcessor,
        };
        var maximum = (await RunAsync(turn, closed, "echo")).MessagesPerSecond;

        // The one that blocks is left out, and so is its place while nobody blocks.
        var every = turn.Arguments.GetValue(Every);
        var open = closed with { Rate = maximum * turn.Arguments.GetValue(Fraction), ExcludeEvery = every };
        var (without, with) = (new List<LoadResult>(), new List<LoadResult>());
        for (var round = 0; round < turn.Arguments.GetValue(Rounds); round++)
        {
            without.Add(await RunAsync(turn, open, "echo"));
            with.Add(await RunAsync(turn, open, "block", "--block-every", $"{every}", "--block-ms", $"{turn.Arguments.GetValue(Milliseconds)}"));
        }

        var undisturbed = without.ConvertAll(one => one.Latency.P99);
        var disturbed = with.ConvertAll(one => one.Latency.P99);
        return new BlockingResult(maximum, open.Rate.Value, Statistics.Median(undisturbed), Statistics.Median(disturbed), Statistics.MedianRatio(disturbed, undisturbed), [.. without], [.. with]);
    }

    private static async Task<LoadResult> RunAsync(Turn turn, LoadOptions load, string handler, params string[] arguments)
    {
        await using var server = await turn.StartAsync(["--handler", handler, .. arguments]);
        var result = Driver.Run(load with { Server = server.EndPoint }, server);
        turn.Tell($"{load.Text}, handler {handler}: {result.MessagesPerSecond:N0} messages/s, p50 {result.Latency.P50:0.0} us, p99 {result.Latency.P99:0.0} us, max {result.Latency.Max:N0} us, {result.Unanswered} unanswered");
        return result;
    }
}
