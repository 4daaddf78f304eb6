using Microsoft.Extensions.Time.Testing;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

[Trait("Fault", "X48")]
public class TlsIdleWorkTests
{
    private const int Overhead = 17;
    private const int Renewal = Overhead + 5;
    private const int Request = Overhead + 20;

    private readonly FakeTimeProvider _time = new();
    private readonly TlsIdleWork _work;

    public TlsIdleWorkTests() => _work = new TlsIdleWork(_time, Overhead, isWary: false);

    [Fact]
    public void Data_costs_nothing()
    {
        for (var i = 0; i < 1000; i++)
        {
            _work.Ask();
            _work.MustYield.Should().BeFalse();
            Data(_work, records: 60, bytes: 60);
        }

        _work.Turn.Should().Be(int.MaxValue);
        _work.RecordByRecord.Should().BeFalse();
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
    public void A_slow_trickle_passes_for_ever_if_something_is_sent_now_and_then()
    {
        for (var i = 0; i < 10_000; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1.0 / TlsIdleWork.PerSecond));
            Empty(1);
            if (i % 1000 == 0)
            {
                _work.Sent();
            }
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
            Data(_work, records: 1, bytes: 1000);
            _work.Ask();
        }

        Refused(1);
    }

    [Fact]
    public void A_byte_pays_for_one_record_and_for_no_more()
    {
        _work.Received(31, 528, Overhead);
        _work.Rewarded(1);
        _work.Ask();
        _work.Received(31, 528, Overhead);
        _work.Rewarded(1);
        _work.Ask();

        _work.Received(31, 528, Overhead);
        _work.Rewarded(1);
        FluentActions.Invoking(() => _work.Ask()).Should().Throw<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);
    }

    [Fact]
    public void Many_short_records_are_received_in_short_turns_and_others_are_not()
    {
        _work.Received(65, 1170, Overhead);
        _work.Rewarded(65);
        _work.Ask();
        _work.MustYield.Should().BeTrue("others come first");
        _work.Turn.Should().Be(4096);

        _work.Received(3, 54, Overhead);
        _work.Rewarded(3);
        _work.Ask();
        _work.MustYield.Should().BeFalse();
        _work.Turn.Should().Be(int.MaxValue);
    }

    // As many bytes of data as there are records, so that the records alone say nothing.
    [Fact]
    public void Renewals_that_are_mixed_with_data_are_received_one_by_one_from_the_second_receive_on()
    {
        _work.Received(63, (62 * Renewal) + Overhead + 63, Overhead + 63);
        _work.Rewarded(63);
        _work.Ask();
        _work.RecordByRecord.Should().BeTrue();

        FluentActions.Invoking(() =>
        {
            for (var i = 0; i <= TlsIdleWork.Burst; i++)
            {
                One(_work, Renewal, data: 0);
                One(_work, Overhead + 63, data: 63);
            }
        }).Should().Throw<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);
    }

    [Fact]
    public void What_comes_with_the_opening_is_forgotten()
    {
        Empty(1);
        for (var i = 0; i < TlsIdleWork.Clean; i++)
        {
            _work.RecordByRecord.Should().BeTrue();
            One(_work, Overhead + 10, data: 10);
        }

        _work.RecordByRecord.Should().BeFalse();

        // And what comes later is not.
        One(_work, Overhead + 10 + 5, data: 10);
        for (var i = 0; i < 2 * TlsIdleWork.Clean; i++)
        {
            _work.RecordByRecord.Should().BeTrue();
            One(_work, Overhead + 10, data: 10);
        }
    }

    [Fact]
    public void Who_pads_some_records_and_is_never_answered_is_not_refused()
    {
        for (var round = 0; round < 2_000; round++)
        {
            Data(_work, records: 50, bytes: 1000);
            _work.Ask();
            One(_work, Overhead + 20 + 491, data: 20);
        }
    }

    [Fact]
    public void Tickets_by_the_dozen_pass()
    {
        var wary = new TlsIdleWork(_time, Overhead, isWary: true);
        for (var ticket = 0; ticket < 30; ticket++)
        {
            One(wary, Overhead + 2_000, data: 0);
        }
    }

    [Fact]
    public void Padding_costs_nothing()
    {
        for (var i = 0; i < 10_000; i++)
        {
            One(_work, 512, data: 10);
        }

        _work.RecordByRecord.Should().BeTrue("what it hides cannot be seen otherwise");
        _work.MustYield.Should().BeFalse();
    }

    // A record may hold a thousand of them.
    [Fact]
    public void Whoever_is_wary_pays_for_the_time_that_records_without_data_take()
    {
        var wary = new TlsIdleWork(_time, Overhead, isWary: true);
        wary.RecordByRecord.Should().BeTrue();
        One(wary, Request, data: 0, took: 7);
        One(wary, Overhead + 70, data: 70, took: 500);

        FluentActions.Invoking(() => One(wary, Overhead + 16_350, data: 0, took: 360)).Should().Throw<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);
    }

    [Fact]
    public void And_keeps_few_answers()
    {
        var wary = new TlsIdleWork(_time, Overhead, isWary: true);
        var passed = 0;
        FluentActions.Invoking(() =>
        {
            for (; ; passed++)
            {
                _time.Advance(TimeSpan.FromSeconds(5));
                One(wary, Overhead + 15_000, data: 0, took: 1);
            }
        }).Should().Throw<TlsException>();
        passed.Should().Be(4);
    }

    [Fact]
    public void Without_a_word_of_ours_even_a_slow_trickle_ends()
    {
        FluentActions.Invoking(() =>
        {
            for (var i = 0; i <= TlsIdleWork.SinceSent; i++)
            {
                _time.Advance(TimeSpan.FromSeconds(0.2));
                Empty(1);
            }

            // What was forgotten meanwhile.
            Empty(20);
        }).Should().Throw<TlsException>().Which.Message.Should().Contain("4096 records").And.Contain("nothing was sent");
    }

    [Fact]
    public void A_peer_that_renews_its_keys_each_minute_and_is_never_answered_may_go_on_for_ever()
    {
        for (var i = 0; i < 5 * TlsIdleWork.SinceSent; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Empty(1);
            Data(_work, records: 10, bytes: 1000);
            _work.Ask();
        }
    }

    [Fact]
    public void The_time_of_tickets_counts_where_records_are_received_one_by_one()
    {
        One(_work, Overhead + 16_000, data: 0, took: 7);

        FluentActions.Invoking(() =>
        {
            for (var i = 0; i < 30; i++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(128));
                One(_work, Overhead + 16_000, data: 0, took: 6.4);
            }
        }).Should().Throw<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);
    }

    [Fact]
    public void A_clock_that_throws_ends_nothing_and_saves_up_nothing()
    {
        var work = new TlsIdleWork(new BrokenClock(), Overhead, isWary: false);
        for (var i = 0; i < TlsIdleWork.Burst; i++)
        {
            work.Received(1, Overhead, Overhead);
            work.Ask();
        }

        work.Received(1, Overhead, Overhead);
        FluentActions.Invoking(() => work.Ask()).Should().Throw<TlsException>();
    }

    private void Empty(int count)
    {
        _work.Received(count, count * Renewal, Renewal);
        _work.Ask();
    }

    private static void Data(TlsIdleWork work, int records, int bytes)
    {
        work.Received(records, (records * Overhead) + bytes, Overhead + (bytes / records));
        work.Rewarded(bytes);
    }

    /// <summary>One record by itself.</summary>
    private static void One(TlsIdleWork work, int length, int data, double took = 0)
    {
        work.Received(1, length, length);
        work.Rewarded(data);
        work.Took(TimeSpan.FromMilliseconds(took));
        work.Ask();
    }

    private void Refused(int count) => FluentActions.Invoking(() => Empty(count)).Should().Throw<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);

    private sealed class BrokenClock : TimeProvider
    {
        public override long GetTimestamp() => throw new NotSupportedException("no time");
    }
}
