using SocketKit.Load.Measuring;

namespace SocketKit.Load.Tests.Measuring;

public class StatisticsTests
{
    [Fact]
    public void The_median_is_the_middle_or_the_mean_of_the_two_in_the_middle()
    {
        Statistics.Median([9, 1, 5]).Should().Be(5);
        Statistics.Median([9, 1, 5, 3]).Should().Be(4);
        Statistics.Median([7]).Should().Be(7);
    }

    [Fact]
    public void There_is_no_median_of_nothing()
    {
        var median = () => Statistics.Median([]);

        median.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Ratios_are_taken_within_a_round()
    {
        // The machine was half as fast in the second round: that says nothing about the two.
        Statistics.MedianRatio([200, 100, 200], [100, 50, 100]).Should().Be(2);
    }
}
