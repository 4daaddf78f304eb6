using Microsoft.Extensions.Time.Testing;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

[Trait("Fault", "X48")]
public class TlsIdleWorkTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly TlsIdleWork _work;

    public TlsIdleWorkTests() => _work = new TlsIdleWork(_time);

    [Fact]
    public void Data_costs_nothing()
    {
        for (var i = 0; i < 1000; i++)
        {
            _work.Ask();
            _work.MustYield.Should().BeFalse();
            _work.Received(60);
            _work.Rewarded(60);
        }

        _work.Turn.Should().Be(int.MaxValue);
    }

    [Fact]
    public void A_burst_passes_and_more_is_refused()
    {
        for (var i = 0; i < TlsIdleWork.Burst; i++)
        {
            Empty(1);
            _work.MustYield.Should().BeTrue();
            _work.Turn.Should().BeLessThan(2000);
        }

        Refused(1);
    }

    [Fact]
    public void One_receive_with_too_many_is_refused()
    {
        Refused(TlsIdleWork.Burst + 1);
    }

    [Fact]
    public void A_slow_trickle_passes_for_ever()
    {
        for (var i = 0; i < 10_000; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1.0 / TlsIdleWork.PerSecond));
            Empty(1);
        }

        // And a rest saves up no more than a burst.
        _time.Advance(TimeSpan.FromHours(1));
        Refused(TlsIdleWork.Burst + 1);
    }

    [Fact]
    public void Data_in_between_does_not_buy_new_ones()
    {
        for (var i = 0; i < TlsIdleWork.Burst; i++)
        {
            Empty(1);
            _work.Received(1);
            _work.Rewarded(1000);
        }

        Refused(1);
    }

    [Fact]
    public void A_byte_pays_for_one_record_and_for_no_more()
    {
        _work.Received(31);
        _work.Rewarded(1);
        _work.Ask();
        _work.Received(31);
        _work.Rewarded(1);
        _work.Ask();

        _work.Received(31);
        _work.Rewarded(1);
        FluentActions.Invoking(_work.Ask).Should().Throw<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);
    }

    [Fact]
    public void Many_short_records_are_received_in_short_turns_and_others_are_not()
    {
        _work.Received(65);
        _work.Rewarded(65);
        _work.Ask();
        _work.MustYield.Should().BeTrue("others come first");
        _work.Turn.Should().Be(4096);

        _work.Received(3);
        _work.Rewarded(3);
        _work.Ask();
        _work.MustYield.Should().BeFalse();
        _work.Turn.Should().Be(int.MaxValue);
    }

    [Fact]
    public void A_clock_that_throws_ends_nothing_and_saves_up_nothing()
    {
        var work = new TlsIdleWork(new BrokenClock());
        for (var i = 0; i < TlsIdleWork.Burst; i++)
        {
            work.Received(1);
            work.Ask();
        }

        work.Received(1);
        FluentActions.Invoking(work.Ask).Should().Throw<TlsException>();
    }

    private void Empty(int count)
    {
        _work.Received(count);
        _work.Ask();
    }

    private void Refused(int count) => FluentActions.Invoking(() => Empty(count)).Should().Throw<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);

    private sealed class BrokenClock : TimeProvider
    {
        public override long GetTimestamp() => throw new NotSupportedException("no time");
    }
}
