using SocketKit.Load.Driving;
using SocketKit.Load.Measuring;

namespace SocketKit.Load.Tests.Measuring;

/// <summary>Made-up results.</summary>
internal static class Results
{
    public static LoadResult Of(double messagesPerSecond, double p50 = 100) =>
        new(64, 1, 32, null, 3, (long)(3 * messagesPerSecond), messagesPerSecond, new Latency(p50, 2 * p50, 3 * p50, 4 * p50, 5 * p50), 0, 5, 1, 1, 0, 0);

    /// <summary>C at 200,000, ours at 190,000 and Kestrel at 80,000 messages/s in the first round, half of it in the second.</summary>
    public static Comparison Comparison()
    {
        Contender[] contenders = [.. Contender.All.Where(one => one.Name is "sockets" or Contender.C or Contender.Kestrel)];
        double[] rates = [190_000, 200_000, 80_000];
        var rows = Scenario.All.SelectMany(scenario => Load.Measuring.Comparison.RowsOf(scenario, contenders,
            contenders.Zip(rates).ToDictionary(pair => pair.First, pair => new List<LoadResult> { Of(pair.Second, 1e7 / pair.Second), Of(pair.Second / 2, 2e7 / pair.Second) })));
        return new Comparison("a machine & more", 2, 3, 5, 1, ["SocketKit, epoll engine is left out: it is <young>."], [.. rows]);
    }
}
