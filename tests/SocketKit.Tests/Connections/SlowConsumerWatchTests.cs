using SocketKit.Connections;

namespace SocketKit.Tests.Connections;

public class SlowConsumerWatchTests
{
    private const long Second = TimeSpan.TicksPerSecond;
    private const long Limit = 10 * Second;

    private readonly SlowConsumerWatch _watch = new();

    [Fact]
    public void Nothing_taken_for_the_limit_is_too_slow()
    {
        for (var second = 0; second < 10; second++)
        {
            _watch.IsTooSlow(0, second * Second, Limit).Should().BeFalse();
        }

        _watch.IsTooSlow(0, Limit, Limit).Should().BeTrue();
    }

    [Theory]
    [InlineData(239, true)]
    [InlineData(240, false)]
    public void From_the_second_limit_on_so_many_bytes_a_second_must_be_taken(int perSecond, bool expected)
    {
        for (var second = 0; second < 20; second++)
        {
            _watch.IsTooSlow(second * perSecond, second * Second, Limit).Should().BeFalse();
        }

        _watch.IsTooSlow(20 * perSecond, 2 * Limit, Limit).Should().Be(expected);
    }

    [Fact]
    public void A_send_that_ends_begins_it_anew()
    {
        _watch.IsTooSlow(0, 0, Limit);
        _watch.Rest();

        _watch.IsTooSlow(0, Limit, Limit).Should().BeFalse("this is another send");
        _watch.IsTooSlow(0, (2 * Limit) - 1, Limit).Should().BeFalse();
        _watch.IsTooSlow(0, 2 * Limit, Limit).Should().BeTrue();
    }
}
