using SocketKit.Load.Driving;

namespace SocketKit.Load.Measuring;

/// <summary>A load of the comparison.</summary>
/// <param name="Name">What the user types.</param>
/// <param name="ByLatency">If servers are compared by the median latency, and not by messages per second.</param>
internal sealed record Scenario(string Name, LoadOptions Load, bool ByLatency = false)
{
    public static readonly Scenario[] All =
    [
        new("small", new LoadOptions(64, 1, 32)),
        new("pipelined", new LoadOptions(64, 32, 32)),
        new("large", new LoadOptions(4, 4, 64 * 1024)),
        new("latency", new LoadOptions(1, 1, 32), ByLatency: true),
    ];

    /// <summary>The figure that servers are compared by.</summary>
    public double Figure(LoadResult result) => ByLatency ? result.Latency.P50 : result.MessagesPerSecond;
}
