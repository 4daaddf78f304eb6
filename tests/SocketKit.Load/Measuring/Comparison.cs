using SocketKit.Load.Driving;

namespace SocketKit.Load.Measuring;

/// <summary>
/// What came out for one server under one load: medians over the rounds, and ratios between neighbouring runs of the same round.
/// </summary>
/// <param name="Title">What tables show.</param>
/// <param name="Figure">Messages per second, or the median latency in microseconds.</param>
/// <param name="OfC">The figure by that of the C server, or null without one.</param>
/// <param name="OfKestrel">The same by Kestrel.</param>
/// <param name="Lowest">The lowest figure of a round.</param>
/// <param name="Highest">The highest.</param>
internal sealed record ComparisonRow(
    string Scenario, string Server, string Title, double Figure, double Lowest, double Highest, double? OfC, double? OfKestrel, double MessagesPerSecond, double P50, double P99, double ServerMicroseconds, double ServerShare,
    double? AllocatedPerMessage);

/// <summary>A finished comparison.</summary>
/// <param name="Notes">Who is left out, and why.</param>
internal sealed record Comparison(string Machine, int Rounds, double Seconds, double FirstWarmUpSeconds, double WarmUpSeconds, string[] Notes, ComparisonRow[] Rows)
{
    /// <summary>The rows of one load, from the results of all rounds by server.</summary>
    public static IEnumerable<ComparisonRow> RowsOf(Scenario scenario, IReadOnlyList<Contender> contenders, IReadOnlyDictionary<Contender, List<LoadResult>> results)
    {
        var c = Figures(Contender.C);
        var kestrel = Figures(Contender.Kestrel);
        foreach (var contender in contenders)
        {
            var rounds = results[contender];
            var figures = rounds.ConvertAll(scenario.Figure);
            yield return new ComparisonRow(scenario.Name, contender.Name, contender.Title, Statistics.Median(figures), figures.Min(), figures.Max(),
                c is null ? null : Statistics.MedianRatio(figures, c), kestrel is null ? null : Statistics.MedianRatio(figures, kestrel),
                Statistics.Median(rounds.Select(one => one.MessagesPerSecond)), Statistics.Median(rounds.Select(one => one.Latency.P50)), Statistics.Median(rounds.Select(one => one.Latency.P99)),
                Statistics.Median(rounds.Select(one => one.ServerMicrosecondsPerMessage ?? 0)), Statistics.Median(rounds.Select(one => one.ServerShare ?? 0)),
                rounds.All(one => one.ServerBytesPerMessage is not null) ? Statistics.Median(rounds.Select(one => one.ServerBytesPerMessage!.Value)) : null);
        }

        List<double>? Figures(string name) => contenders.FirstOrDefault(one => one.Name == name) is { } found ? results[found].ConvertAll(scenario.Figure) : null;
    }
}
