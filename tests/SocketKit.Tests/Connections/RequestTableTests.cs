using SocketKit.Connections;

namespace SocketKit.Tests.Connections;

public class RequestTableTests
{
    private const long Second = TimeSpan.TicksPerSecond;
    private static readonly TimeSpan TimeOut = TimeSpan.FromSeconds(10);

    private readonly RequestTable _table = new(limit: 4, TimeOut);

    // ---- In order ----

    [Fact]
    public void Responses_without_an_id_find_the_oldest_request_without_one()
    {
        _table.ExpectsInOrder.Should().BeFalse();
        var first = Add();
        var named = Add(id: 7);
        var second = Add();
        _table.ExpectsInOrder.Should().BeTrue();
        _table.Waiting.Should().Be(3);

        Take(null).Should().BeSameAs(first.Task);
        Take(null).Should().BeSameAs(second.Task);

        Take(null).Should().BeNull();
        _table.ExpectsInOrder.Should().BeFalse();
        _table.Waiting.Should().Be(1);
        first.Done.Should().BeTrue();
        named.Done.Should().BeFalse();
    }

    [Fact]
    public void A_tombstone_swallows_one_late_response_so_that_the_next_finds_its_own_caller()
    {
        var first = Add();
        var second = Add();
        _table.Abandon(first, now: Second).Should().BeTrue();
        _table.Waiting.Should().Be(1);
        _table.ExpectsInOrder.Should().BeTrue();

        Take(null).Should().BeNull();

        Take(null).Should().BeSameAs(second.Task);
        _table.Waiting.Should().Be(0);
        _table.ExpectsInOrder.Should().BeFalse();
    }

    [Fact]
    public void A_request_that_is_done_is_not_abandoned()
    {
        var answered = Add();
        var abandoned = Add();
        Take(null);
        _table.Abandon(abandoned, 0);

        _table.Abandon(answered, 0).Should().BeFalse();
        _table.Abandon(abandoned, 0).Should().BeFalse();

        _table.Waiting.Should().Be(0);
    }

    // ---- By id ----

    [Fact]
    public void A_response_with_an_id_finds_its_request_in_whatever_order()
    {
        var minus = Add(id: -1);
        var zero = Add(id: 0);
        Add();
        Take(0).Should().BeSameAs(zero.Task);
        Take(-1).Should().BeSameAs(minus.Task);

        Take(0).Should().BeNull("it is late");
        Take(5).Should().BeNull();

        _table.Waiting.Should().Be(1);
        zero.Done.Should().BeTrue();
    }

    [Fact]
    public void A_request_by_id_that_is_abandoned_leaves_no_tombstone()
    {
        var request = Add(id: 1);
        _table.Abandon(request, 0).Should().BeTrue();

        Take(1).Should().BeNull();
        _table.HasDue.Should().BeFalse();
        var again = Add(id: 1);
        Take(1).Should().BeSameAs(again.Task, "the id is free again");
    }

    [Fact]
    public void An_id_that_is_in_use_is_refused_and_its_request_waits_on()
    {
        var request = Add(id: 1);
        var again = () => Add(id: 1);

        again.Should().Throw<RequestRefusedException>().WithMessage("*correlation id 1 is pending*");

        _table.Waiting.Should().Be(1);
        Take(1).Should().BeSameAs(request.Task);
        _table.HasDue.Should().BeFalse();
    }

    // ---- The limit ----

    [Fact]
    public void Requests_of_both_kinds_count_for_the_limit_and_one_that_is_answered_no_more()
    {
        Add();
        Add(id: 1);
        Add();
        Add(id: 2);
        var more = () => Add();

        more.Should().Throw<RequestRefusedException>().WithMessage("4 requests are pending on this connection; *MaxPendingRequests*");
        _table.Waiting.Should().Be(4);

        Take(2);
        more.Should().NotThrow();
        more.Should().Throw<RequestRefusedException>();
    }

    [Fact]
    public void A_tombstone_holds_its_place_until_its_response_comes()
    {
        _table.Abandon(Add(), 0);
        Add();
        Add(id: 1);
        Add();
        var more = () => Add(id: 2);
        more.Should().Throw<RequestRefusedException>().WithMessage("4 requests are pending on this connection, 1 of them *");

        Take(null).Should().BeNull();

        more.Should().NotThrow();
    }

    // ---- Take back ----

    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    public void A_request_whose_message_could_not_be_sent_leaves_no_trace(long? id)
    {
        var before = Add();
        var failed = Add(id);

        _table.TakeBack(failed);

        failed.Done.Should().BeTrue();
        _table.Waiting.Should().Be(1);
        Take(1).Should().BeNull();
        Take(null).Should().BeSameAs(before.Task);
        _table.ExpectsInOrder.Should().BeFalse();
        _table.HasDue.Should().BeFalse();
    }

    // ---- Time-outs ----

    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    public void A_request_times_out_when_its_time_has_come_and_not_before(long? id)
    {
        var request = Add(id, now: 3 * Second);
        _table.HasDue.Should().BeTrue();

        Expire((13 * Second) - 1).Expired.Should().BeEmpty();
        var overdue = Expire(13 * Second);

        overdue.Expired.Should().Equal(request);
        overdue.Lost.Should().BeNull();
        request.Done.Should().BeTrue();
        _table.Waiting.Should().Be(0);
        _table.Abandon(request, 13 * Second).Should().BeFalse();
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    public void A_time_out_of_a_requests_own_is_kept_whoever_was_first(long? id)
    {
        Add(id: 10);
        var own = Add(id, timeout: TimeSpan.FromSeconds(2));
        var longer = Add(id: 11, timeout: TimeSpan.FromSeconds(60));

        Expire(2 * Second).Expired.Should().Equal(own);
        Expire(59 * Second).Expired.Should().HaveCount(1, "the one with the usual time-out");
        Expire(60 * Second).Expired.Should().Contain(longer);
    }

    [Fact]
    public void All_that_fall_due_at_one_tick_time_out_together()
    {
        PendingRequest[] all =
        [
            Add(id: 1),
            Add(id: 2, timeout: TimeSpan.FromSeconds(4)),
            Add(id: 3, timeout: TimeSpan.FromSeconds(5)),
            Add(),
        ];

        Expire(10 * Second).Expired.Should().BeEquivalentTo(all, options => options.WithoutStrictOrdering());

        _table.Waiting.Should().Be(0);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    public void A_request_without_a_time_out_waits_for_ever_and_needs_no_clock(long? id)
    {
        var request = Add(id, timeout: Timeout.InfiniteTimeSpan);

        _table.HasDue.Should().BeFalse();
        Expire(long.MaxValue).Expired.Should().BeNull("nobody was looked at");

        Take(id).Should().BeSameAs(request.Task);
        _table.HasDue.Should().BeFalse();
    }

    [Fact]
    public void A_table_whose_usual_time_out_is_infinite_has_nothing_due_but_what_has_one_of_its_own()
    {
        var table = new RequestTable(4, Timeout.InfiniteTimeSpan);
        table.Add(new RequestOptions { CorrelationId = 1 }, 0);
        table.Add(default, 0);
        table.HasDue.Should().BeFalse();
        var own = table.Add(new RequestOptions { CorrelationId = 2, Timeout = TimeOut }, 0);
        table.HasDue.Should().BeTrue();

        table.Expire(10 * Second, isReading: true, receives: 1).Expired.Should().Equal(own);

        table.HasDue.Should().BeFalse();
        table.Waiting.Should().Be(2);
    }

    [Fact]
    public void Who_is_answered_is_not_due_any_more()
    {
        Add();
        Add(id: 1);
        Add(id: 2, timeout: TimeSpan.FromSeconds(1));
        Take(null);
        Take(1);
        _table.HasDue.Should().BeTrue();
        Take(2);

        _table.HasDue.Should().BeFalse();
        Expire(100 * Second).Expired.Should().BeNull();
    }

    // ---- Lost responses ----

    [Fact]
    public void A_tombstone_that_waits_another_time_out_at_the_head_is_a_lost_response()
    {
        var request = Add();
        Expire(10 * Second).Expired.Should().Equal(request);
        _table.HasDue.Should().BeTrue("the late response is waited for");

        Expire((20 * Second) - 1).Lost.Should().BeNull();

        Expire(20 * Second).Lost.Should().Contain("did not come within two time-outs of 00:00:10");
    }

    [Fact]
    public void A_tombstone_waits_from_when_its_caller_went_away()
    {
        _table.Abandon(Add(), now: 4 * Second);

        Expire((14 * Second) - 1).Lost.Should().BeNull();
        Expire(14 * Second).Lost.Should().Contain("did not come within 00:00:10 after it was canceled");
    }

    [Fact]
    public void A_tombstone_behind_another_request_waits_from_when_that_is_answered()
    {
        var slow = Add(timeout: TimeSpan.FromSeconds(60));
        var buried = Add();
        Expire(10 * Second).Expired.Should().Equal(buried);
        Expire(50 * Second).Lost.Should().BeNull();
        Take(null).Should().BeSameAs(slow.Task);

        Expire((60 * Second) - 1).Lost.Should().BeNull();
        Expire(60 * Second).Lost.Should().NotBeNull();
    }

    [Fact]
    public void A_response_that_fills_its_tombstone_in_time_is_not_lost()
    {
        Add();
        Expire(10 * Second);
        Take(null).Should().BeNull();

        _table.HasDue.Should().BeFalse();
        Expire(100 * Second).Lost.Should().BeNull();
    }

    [Fact]
    public void The_tombstone_of_a_request_without_time_out_waits_for_ever()
    {
        var request = Add(timeout: Timeout.InfiniteTimeSpan);
        _table.Abandon(request, Second);
        Add(id: 1);

        _table.HasDue.Should().BeTrue("the other one");
        Expire(1_000 * Second).Lost.Should().BeNull();

        _table.HasDue.Should().BeFalse();
        Take(null).Should().BeNull("its response is swallowed, however late");
        _table.ExpectsInOrder.Should().BeFalse();
    }

    [Fact]
    public void A_response_that_each_next_one_stands_in_for_is_seen_at_the_third_time_out()
    {
        AskAndTimeOut(0, late: 0).Should().BeNull();
        AskAndTimeOut(1, late: 1).Should().BeNull("a single one may be late");

        AskAndTimeOut(2, late: 1).Should().StartWith("three requests one after the other timed out");
    }

    [Fact]
    public void Requests_that_time_out_while_nothing_comes_are_no_shifted_responses()
    {
        for (var i = 0; i < 4; i++)
        {
            Add(now: i);
        }

        Expire((10 * Second) + 4).Lost.Should().BeNull();
    }

    [Fact]
    public void Requests_that_were_under_way_together_count_as_one_late_one()
    {
        AskAndTimeOut(0, late: 0);
        var second = Add(now: 11 * Second);
        var third = Add(now: 11 * Second);
        Take(null).Should().BeNull();

        var overdue = Expire(21 * Second);

        overdue.Expired.Should().Equal(second, third);
        overdue.Lost.Should().BeNull();
    }

    [Fact]
    public void A_request_that_is_answered_in_time_shows_that_all_are_in_step()
    {
        AskAndTimeOut(0, late: 0);
        AskAndTimeOut(1, late: 1);
        var answered = Add(now: 22 * Second);
        Take(null).Should().BeNull("the last late one");
        Take(null).Should().BeSameAs(answered.Task);
        AskAndTimeOut(3, late: 0).Should().BeNull();

        AskAndTimeOut(4, late: 1).Should().BeNull("it is the first late one since");

        AskAndTimeOut(5, late: 1).Should().NotBeNull();
    }

    [Fact]
    public void The_late_response_of_a_request_that_was_cancelled_is_no_sign_of_a_shift()
    {
        _table.Abandon(Add(), 0);
        for (var round = 0; round < 3; round++)
        {
            var now = round * 11 * Second;
            var request = Add(now: now);
            Take(null).Should().BeNull();
            _table.Abandon(request, now);
        }

        AskAndTimeOut(4, late: 1).Should().BeNull();
    }

    // ---- A receive loop that does not read ----

    [Theory]
    [InlineData(4, false)]
    [InlineData(5, true)]
    public async Task A_time_out_names_a_blocked_handler_that_kept_the_loop_from_reading_for_half_of_it(int seconds, bool expected)
    {
        var request = Add();
        Expire((10 - seconds) * Second, isReading: false, receives: 1);

        Expire(10 * Second, isReading: false, receives: 1).Fail(mailboxFull: false);

        (await TimeOutOf(request)).HandlerWasBlocked.Should().Be(expected);
    }

    [Fact]
    public async Task A_full_mailbox_is_named_instead_of_a_blocked_handler()
    {
        var request = Add();
        Expire(0, isReading: false, receives: 1);

        Expire(10 * Second, isReading: false, receives: 1).Fail(mailboxFull: true);

        var exception = await TimeOutOf(request);
        exception.MailboxWasFull.Should().BeTrue();
        exception.HandlerWasBlocked.Should().BeFalse();
        exception.Timeout.Should().Be(TimeOut);
    }

    [Fact]
    public void A_loop_that_was_seen_reading_or_has_begun_another_receive_is_not_blocked_for_longer_than_since_then()
    {
        Add(timeout: TimeSpan.FromSeconds(1_000));
        Expire(Second, isReading: false, receives: 1).NotReading.Should().Be(TimeSpan.Zero);
        Expire(3 * Second, isReading: false, receives: 1).NotReading.Should().Be(TimeSpan.FromSeconds(2));

        Expire(4 * Second, isReading: false, receives: 2).NotReading.Should().Be(TimeSpan.Zero, "this is another call");
        Expire(6 * Second, isReading: false, receives: 2).NotReading.Should().Be(TimeSpan.FromSeconds(2));
        Expire(7 * Second, isReading: true, receives: 2).NotReading.Should().Be(TimeSpan.Zero);
        Expire(8 * Second, isReading: false, receives: 2).NotReading.Should().Be(TimeSpan.Zero);
        Expire(9 * Second, isReading: false, receives: 2).NotReading.Should().Be(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Each_request_is_judged_by_its_own_time_out()
    {
        var patient = Add(id: 1, timeout: TimeSpan.FromSeconds(12));
        var quick = Add(id: 2, timeout: TimeSpan.FromSeconds(6), now: 6 * Second);
        Expire(8 * Second, isReading: false, receives: 1);

        Expire(12 * Second, isReading: false, receives: 1).Fail(mailboxFull: false);

        (await TimeOutOf(patient)).HandlerWasBlocked.Should().BeFalse();
        (await TimeOutOf(quick)).HandlerWasBlocked.Should().BeTrue();
    }

    [Fact]
    public void Where_nobody_was_looked_at_nobody_fails() => default(RequestTable.Overdue).Fail(mailboxFull: false);

    // ---- The end ----

    [Fact]
    public void Clearing_it_gives_those_that_wait_and_forgets_the_tombstones()
    {
        var named = Add(id: 1);
        var own = Add(id: 2, timeout: TimeSpan.FromSeconds(1));
        _table.Abandon(Add(), 0);
        var inOrder = Add();

        var waiting = _table.Clear();

        waiting.Should().BeEquivalentTo([inOrder, named, own]);
        waiting.Should().OnlyContain(request => request.Done);
        _table.Waiting.Should().Be(0);
        _table.HasDue.Should().BeFalse();
        _table.ExpectsInOrder.Should().BeFalse();
        Take(1).Should().BeNull();
        _table.Abandon(named, 0).Should().BeFalse();
        _table.Clear().Should().BeEmpty();
        Expire(100 * Second).Expired.Should().BeNull();
    }

    [Fact]
    public void A_request_is_failed_once()
    {
        var request = Add();
        request.Fail(new InvalidOperationException("first"));

        request.Fail(new InvalidOperationException("second"));

        request.Task.Exception!.InnerException!.Message.Should().Be("first");
    }

    private PendingRequest Add(long? id = null, long now = 0, TimeSpan? timeout = null) =>
        _table.Add(new RequestOptions { CorrelationId = id, Timeout = timeout }, now);

    /// <summary>Whose response this is; null: nobody's.</summary>
    private Task<Message>? Take(long? id) => _table.Take(id)?.Task;

    private RequestTable.Overdue Expire(long now, bool isReading = true, int receives = 1) => _table.Expire(now, isReading, receives);

    /// <summary>A request of its own every 11 s, behind which responses come that fill tombstones, and none for it.</summary>
    /// <returns>Why a response is lost, or null.</returns>
    private string? AskAndTimeOut(int round, int late)
    {
        var now = round * 11 * Second;
        var request = Add(now: now);
        for (var i = 0; i < late; i++)
        {
            Take(null).Should().BeNull("it fills the place of an older one");
        }

        var overdue = Expire(now + (10 * Second));
        overdue.Expired.Should().Equal(request);
        return overdue.Lost;
    }

    private static async Task<RequestTimeoutException> TimeOutOf(PendingRequest request)
    {
        request.Task.IsFaulted.Should().BeTrue();
        return (await request.Invoking(it => it.Task).Should().ThrowAsync<RequestTimeoutException>()).Which;
    }
}
