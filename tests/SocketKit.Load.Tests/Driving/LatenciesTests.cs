using System.Diagnostics;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Tests.Driving;

public class LatenciesTests
{
    [Fact]
    public void Percentiles_are_in_microseconds_and_right_to_three_digits()
    {
        var latencies = new Latencies();
        for (var microseconds = 1; microseconds <= 1_000; microseconds++)
        {
            latencies.Record(microseconds * Stopwatch.Frequency / 1_000_000, 1);
        }

        var summary = latencies.Summary();

        summary.P50.Should().BeApproximately(500, 0.5);
        summary.P90.Should().BeApproximately(900, 0.9);
        summary.P99.Should().BeApproximately(990, 1);
        summary.P999.Should().BeApproximately(999, 1);
        summary.Max.Should().BeApproximately(1_000, 1);
    }

    [Fact]
    public void Several_at_once_count_as_often_and_histograms_add_up()
    {
        var (one, other) = (new Latencies(), new Latencies());
        one.Record(Stopwatch.Frequency / 1_000, 99);
        other.Record(Stopwatch.Frequency, 1);

        one.Add(other);

        one.Count.Should().Be(100);
        one.Summary().P99.Should().BeApproximately(1_000, 1);
        one.Summary().Max.Should().BeApproximately(1_000_000, 1_000);
    }

    [Fact]
    public void Nothing_recorded_is_all_zeros()
    {
        new Latencies().Summary().Should().Be(new Latency(0, 0, 0, 0, 0));
    }
}
