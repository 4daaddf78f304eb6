using System.Diagnostics;
using HdrHistogram;

namespace SocketKit.Load.Driving;

/// <summary>A histogram of latencies, given in ticks of the <see cref="Stopwatch"/>, to three digits. Not thread-safe.</summary>
internal sealed class Latencies
{
    private static readonly double NanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private static readonly long Longest = (long)TimeSpan.FromHours(1).TotalNanoseconds;

    private readonly LongHistogram _histogram = new(Longest, numberOfSignificantValueDigits: 3);

    public long Count => _histogram.TotalCount;

    public void Record(long ticks, long count) => _histogram.RecordValueWithCount(Math.Clamp((long)(ticks * NanosecondsPerTick), 1, Longest), count);

    public void Add(Latencies other) => _histogram.Add(other._histogram);

    public Latency Summary() => new(At(50), At(90), At(99), At(99.9), Count == 0 ? 0 : _histogram.GetMaxValue() / 1000.0);

    private double At(double percentile) => Count == 0 ? 0 : _histogram.GetValueAtPercentile(percentile) / 1000.0;
}
