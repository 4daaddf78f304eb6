using Microsoft.Extensions.Logging.Testing;
using SocketKit.Clients;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Clients;

public class ReconnectScheduleTests
{
    private const long Second = TimeSpan.TicksPerSecond;

    private readonly FakeLogger _log = new();

    [Fact]
    public void Each_attempt_that_fails_counts()
    {
        var schedule = new ReconnectSchedule(null, _log);

        schedule.Ended(1 * Second);
        schedule.Ended(30 * Second);

        schedule.Attempt.Should().Be(2);
    }

    [Theory]
    [InlineData((10 * Second) - 1, 2)]
    [InlineData(10 * Second, 0)]
    public void Only_a_life_of_10_s_begins_the_count_anew(long life, int expected)
    {
        var schedule = new ReconnectSchedule(null, _log);
        schedule.Ended(0);

        schedule.Opened(Second);
        schedule.Ended(Second + life);

        schedule.Attempt.Should().Be(expected);
    }

    [Fact]
    public void A_long_life_proves_nothing_for_the_attempt_behind_it()
    {
        var schedule = new ReconnectSchedule(null, _log);
        schedule.Opened(0);
        schedule.Ended(60 * Second);

        schedule.Ended(120 * Second);

        schedule.Attempt.Should().Be(1);
    }

    [Fact]
    public void The_policy_is_asked_for_the_first_attempt_behind_a_long_life()
    {
        var policy = new ScriptedReconnect(1, 2);
        var schedule = new ReconnectSchedule(policy, _log);
        var reason = Because(CloseKind.PeerReset);

        schedule.NextDelay(reason).Should().Be(TimeSpan.FromSeconds(1));
        schedule.Ended(0);
        schedule.Ended(0);
        schedule.NextDelay(reason).Should().Be(TimeSpan.FromSeconds(2));
        schedule.NextDelay(reason).Should().BeNull("the policy gives up");

        policy.Asked.Select(asked => asked.Attempt).Should().Equal(1, 2, 2);
        policy.Asked.Should().OnlyContain(asked => asked.Reason == reason);
    }

    [Fact]
    public void A_server_that_rejects_is_not_dialed_again_and_the_policy_not_asked()
    {
        var policy = new ScriptedReconnect(1);

        new ReconnectSchedule(policy, _log).NextDelay(Because(CloseKind.Rejected)).Should().BeNull();

        policy.Asked.Should().BeEmpty();
    }

    [Fact]
    public void Without_a_policy_nothing_is_dialed_again() =>
        new ReconnectSchedule(null, _log).NextDelay(Because(CloseKind.PeerReset)).Should().BeNull();

    [Fact]
    public void A_delay_that_no_timer_takes_is_cut()
    {
        var policy = new ScriptedReconnect(TimeSpan.MaxValue.TotalSeconds / 2);

        new ReconnectSchedule(policy, _log).NextDelay(Because(CloseKind.PeerReset)).Should().Be(TimeSpan.FromMilliseconds(int.MaxValue));
    }

    [Fact]
    public void A_negative_delay_ends_reconnecting_and_is_logged()
    {
        new ReconnectSchedule(new ScriptedReconnect(-1), _log).NextDelay(Because(CloseKind.PeerReset)).Should().BeNull();

        _log.LatestRecord.Exception.Should().BeOfType<InvalidOperationException>().Which.Message.Should().Contain("-00:00:01");
    }
}
