using System.Diagnostics;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Measuring;

/// <summary>What other programs take while something is measured.</summary>
internal sealed class Disturbance
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly TimeSpan? _before = Others();

    /// <summary>Of one processor, since this object was made; null where it is not known. Servers that still run count as others.</summary>
    public double? Share => (Others() - _before) / Stopwatch.GetElapsedTime(_began);

    /// <summary>A line when it was more than a tenth of a processor.</summary>
    public static string[] Warning(double? share) =>
        share > 0.1 ? [string.Create(null, $"Other programs took {share:P0} of a processor meanwhile: these figures are not to be trusted.")] : [];

    /// <summary>The median over turns of servers that all stay until the last round, and wait idle in between.</summary>
    public static double In(IEnumerable<IReadOnlyList<LoadResult>> rounds) => Statistics.Median(rounds.SelectMany(all => all).Select(one => one.OthersShare ?? 0));

    private static TimeSpan? Others()
    {
        using var self = Process.GetCurrentProcess();
        return OtherPrograms.BusyTime - self.TotalProcessorTime - ServerProcess.TimeOfEnded;
    }
}
