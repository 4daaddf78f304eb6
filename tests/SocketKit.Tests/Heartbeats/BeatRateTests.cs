using SocketKit.Heartbeats;

namespace SocketKit.Tests.Heartbeats;

public class BeatRateTests
{
    [Fact]
    public void It_is_the_mean_of_the_last_5_seconds_or_more()
    {
        var rate = default(BeatRate);
        rate.Note(1_000_000, TimeSpan.FromSeconds(4.9)).Should().Be(0, "that is not long enough");
        rate.Note(500, TimeSpan.FromSeconds(5)).Should().Be(100);
        rate.Note(900, TimeSpan.FromSeconds(9.9)).Should().Be(100);
        rate.Note(600, TimeSpan.FromSeconds(25)).Should().Be(5, "the stretch began at 5 s");
        rate.PerSecond.Should().Be(5);
        rate.Note(600, TimeSpan.FromSeconds(35)).Should().Be(0);
    }

    [Fact]
    public void A_count_beyond_4_billion_changes_nothing()
    {
        var rate = default(BeatRate);
        rate.Note(uint.MaxValue - 10L, TimeSpan.FromSeconds(10));
        rate.Note(uint.MaxValue + 90L, TimeSpan.FromSeconds(20)).Should().Be(10);
    }
}
