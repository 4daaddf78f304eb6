using System.Buffers;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using SocketKit.Connections;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Connections.SendQueue;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

public class SendQueueTests
{
    private const int HighWaterMark = ConnectionSettings.HighWaterMark;

    // The least that may be set, so that a test need not queue megabytes.
    private const int MaxQueuedBytes = HighWaterMark;

    private readonly CountingWire _wire = new();
    private readonly int _me = Environment.CurrentManagedThreadId;
    private SendQueue _queue;

    public SendQueueTests() => _queue = Create();

    // ---- The flusher's role ----

    [Fact]
    public void Who_finds_nobody_flushing_becomes_the_flusher_and_others_only_add()
    {
        Append("1").Should().Be(Appended.Flush);
        _queue.IsFlushing.Should().BeTrue();
        Append("2").Should().Be(Appended.Queued);
        Append("3", Uncorkable).Should().Be(Appended.Queued);

        Take().Should().Be("123");
        _queue.MessagesTaken.Should().Be(3);
    }

    [Fact]
    public void A_transport_whose_count_fails_as_a_batch_begins_has_taken_nothing_of_it()
    {
        Append(new string('1', 100));
        Take();
        _wire.Sent = _queue.BatchLength;
        Append("2");
        _wire.Fault = new InvalidOperationException();
        Take().Should().Be("2");

        _wire.Fault = null;

        _queue.Queued.Should().Be(_queue.BatchLength);
    }

    [Fact]
    public void What_is_appended_while_a_batch_is_on_the_wire_goes_out_with_the_next()
    {
        Append("1");
        _queue.TryTake(out var batch);
        Append("2").Should().Be(Appended.Queued);
        Append("3").Should().Be(Appended.Queued);

        Encoding.UTF8.GetString(batch.Span).Should().Be("1");
        Take().Should().Be("23");
        Take().Should().BeNull();
    }

    [Fact]
    public void A_flusher_that_finds_nothing_left_gives_the_role_back()
    {
        Append("1");
        Take();
        _queue.IsSending.Should().BeTrue("the transport may not have taken it");
        Take().Should().BeNull();

        _queue.EndFlush().Should().BeFalse();

        _queue.IsFlushing.Should().BeFalse();
        _queue.IsSending.Should().BeFalse();
        _queue.Arrays.Should().Be(0);
        Append("2").Should().Be(Appended.Flush);
    }

    [Fact]
    public void A_message_that_is_framed_already_is_added_as_it_is()
    {
        var framer = new TestFramer();
        _queue = Create(framer: framer);
        _queue.AppendFramed("1\n"u8, _me).Should().Be(Appended.Flush);
        _queue.AppendFramed("2\n"u8, _me).Should().Be(Appended.Queued);

        framer.Writes.Should().Be(0);
        Take().Should().Be("1\n2\n");
    }

    [Fact]
    public void A_framer_that_throws_leaves_nothing_behind_and_makes_nobody_the_flusher()
    {
        var fails = true;
        _queue = Create(framer: new TestFramer
        {
            OnWrite = (message, output) =>
            {
                output.Write(message);
                if (fails)
                {
                    throw new FramingException("half a frame is written");
                }
            },
        });
        var append = () => Append("x");
        var appendForFlusher = () => _queue.AppendForFlusher("y"u8);

        append.Should().Throw<FramingException>();
        appendForFlusher.Should().Throw<FramingException>();
        _queue.IsSending.Should().BeFalse();
        _queue.Arrays.Should().Be(0);

        fails = false;
        Append("1").Should().Be(Appended.Flush);
        fails = true;
        append.Should().Throw<FramingException>();
        appendForFlusher.Should().Throw<FramingException>();
        Take().Should().Be("1");
        _queue.MessagesTaken.Should().Be(1);
    }

    [Fact]
    public void The_flusher_adds_behind_what_was_queued_whatever_the_limit()
    {
        AppendBytes(MaxQueuedBytes);
        Append("1").Should().Be(Appended.Overflow);

        _queue.AppendForFlusher("pong"u8);

        Take().Should().HaveLength(MaxQueuedBytes + 4).And.EndWith("pong");
        _queue.MessagesTaken.Should().Be(2);
    }

    [Fact]
    public void Where_boundaries_are_preserved_an_empty_message_is_sent_too()
    {
        _queue.PreserveBoundaries();
        _queue.PreservesBoundaries.Should().BeTrue();
        Append("").Should().Be(Appended.Flush);
        Append("1");

        Take().Should().Be("1");
        _queue.EndsTaken.ToArray().Should().Equal(0, 1);
        Append("");
        Take().Should().BeEmpty();
        _queue.EndsTaken.ToArray().Should().Equal(0);
        Take().Should().BeNull();
    }

    [Fact]
    public void An_empty_frame_on_a_stream_of_bytes_leaves_nothing_to_flush()
    {
        Append("").Should().Be(Appended.Flush);
        Take().Should().BeNull();
        _queue.EndFlush().Should().BeFalse();
        _queue.IsSending.Should().BeFalse();
    }

    [Fact]
    public void A_release_gives_all_arrays_back()
    {
        Append("1");
        _queue.TryTake(out _);
        Append("2");
        _queue.Arrays.Should().Be(2);

        _queue.Release();

        _queue.Arrays.Should().Be(0);
    }

    // ---- The cork ----

    [Fact]
    public void Sends_of_a_corked_thread_wait_and_the_uncork_makes_it_the_flusher_of_the_whole_batch()
    {
        _queue.IsCorked.Should().BeFalse();
        _queue.Cork(_me);
        _queue.IsCorked.Should().BeTrue();
        _queue.IsCorkedBy(_me).Should().BeTrue();
        Append("1").Should().Be(Appended.Queued);
        Append("2").Should().Be(Appended.Queued);
        _queue.IsFlushing.Should().BeFalse();
        _queue.IsSending.Should().BeTrue();

        _queue.TryUncork(_me, out var batch).Should().BeTrue();

        Encoding.UTF8.GetString(batch.Span).Should().Be("12");
        _queue.BatchLength.Should().Be(2);
        _queue.IsFlushing.Should().BeTrue();
        _queue.IsCorked.Should().BeFalse();
    }

    [Theory]
    [InlineData(Uncorkable)]
    [InlineData(1_000_000)]
    public void The_cork_holds_no_send_of_another_thread_nor_one_that_must_not_wait(int sender)
    {
        _queue.Cork(_me);
        Append("1");

        Append("2", sender).Should().Be(Appended.Flush);

        Take().Should().Be("12", "the order of the calls is the order on the wire");
        _queue.TryUncork(_me, out _).Should().BeFalse();
    }

    [Fact]
    public void A_corked_batch_above_its_limit_goes_out()
    {
        var settings = Settings(64 * HighWaterMark);
        _queue = new SendQueue(_wire, settings);
        _queue.Cork(_me);
        AppendBytes(settings.CorkLimit).Should().Be(Appended.Queued);

        Append("1").Should().Be(Appended.Flush);
    }

    [Fact]
    public void Uncorking_an_empty_batch_makes_nobody_the_flusher()
    {
        _queue.Cork(_me);

        _queue.TryUncork(_me, out var batch).Should().BeFalse();

        batch.IsEmpty.Should().BeTrue();
        _queue.IsCorked.Should().BeFalse();
        _queue.IsFlushing.Should().BeFalse();
    }

    [Fact]
    public void Only_the_thread_that_is_corked_ends_its_batch()
    {
        _queue.Cork(_me);
        Append("1");

        _queue.IsCorkedBy(_me + 1).Should().BeFalse();
        _queue.TryUncork(_me + 1, out _).Should().BeFalse();

        _queue.IsCorkedBy(_me).Should().BeTrue();
        _queue.IsFlushing.Should().BeFalse();
    }

    [Fact]
    public void An_uncork_leaves_its_batch_to_the_flush_under_way()
    {
        _queue.Cork(_me);
        Append("1", Uncorkable);
        Take();
        Append("2").Should().Be(Appended.Queued);

        _queue.TryUncork(_me, out _).Should().BeFalse();

        _queue.IsCorked.Should().BeFalse();
        _queue.BatchLength.Should().Be(1, "the batch on the wire is not replaced");
        Take().Should().Be("2");
    }

    [Fact]
    public void A_cork_that_is_lifted_lets_what_was_gathered_go_and_further_sends_at_once()
    {
        _queue.Cork(_me);
        Append("1");

        _queue.TryLiftCork(lifts: true, flushes: true).Should().BeTrue();

        _queue.IsFlushing.Should().BeTrue();
        Take().Should().Be("1");
        Flushed();
        Append("2").Should().Be(Appended.Flush);
        _queue.IsCorkedBy(_me).Should().BeTrue("the batch itself goes on");
    }

    [Fact]
    public void A_look_that_does_not_lift_the_cork_flushes_once()
    {
        _queue.Cork(_me);
        Append("1");
        _queue.TryLiftCork(lifts: false, flushes: true).Should().BeTrue();
        Take();
        Flushed();

        Append("2").Should().Be(Appended.Queued);

        _queue.IsFlushing.Should().BeFalse();
    }

    [Fact]
    public void A_look_that_does_not_flush_only_says_that_something_waits()
    {
        _queue.Cork(_me);
        Append("1");

        _queue.TryLiftCork(lifts: true, flushes: false).Should().BeTrue();

        _queue.IsFlushing.Should().BeFalse();
        Append("2").Should().Be(Appended.Flush);
    }

    [Fact]
    public void A_cork_may_be_lifted_before_anything_is_gathered()
    {
        _queue.Cork(_me);

        _queue.TryLiftCork(lifts: true, flushes: true).Should().BeFalse();

        _queue.IsFlushing.Should().BeFalse();
        Append("1").Should().Be(Appended.Flush);
    }

    [Fact]
    public void What_is_gathered_while_somebody_flushes_needs_no_lift()
    {
        _queue.Cork(_me);
        Append("1", Uncorkable);
        Append("2");

        _queue.TryLiftCork(lifts: true, flushes: true).Should().BeFalse();

        _queue.IsFlushing.Should().BeTrue("the role is not taken from the flusher");
    }

    [Fact]
    public void Without_a_cork_there_is_nothing_to_lift()
    {
        _queue.TryLiftCork(lifts: true, flushes: true).Should().BeFalse();

        _queue.Cork(_me);
        Append("1").Should().Be(Appended.Queued, "nothing was lifted");
        _queue.TryUncork(_me, out _);
        Append("2");
        _queue.TryLiftCork(lifts: true, flushes: true).Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_next_batch_is_held_back_again(bool uncorks)
    {
        _queue.Cork(_me);
        _queue.TryLiftCork(lifts: true, flushes: true);
        if (uncorks)
        {
            _queue.TryUncork(_me, out _);
        }

        _queue.Cork(_me);

        Append("1").Should().Be(Appended.Queued);
        _queue.IsFlushing.Should().BeFalse();
    }

    // ---- What is queued ----

    [Fact]
    public void What_the_transport_has_taken_of_the_batch_is_not_queued_any_more()
    {
        AppendBytes(100);
        _queue.Queued.Should().Be(100);
        Take();
        _queue.Queued.Should().Be(100);

        _wire.Sent += 30;
        AppendBytes(50);

        _queue.TakenOfBatch.Should().Be(30);
        _queue.Queued.Should().Be(120);
    }

    [Fact]
    public void What_is_taken_is_counted_anew_for_each_batch()
    {
        AppendBytes(100);
        Take();
        _wire.Sent += 100;
        AppendBytes(50);
        Take();

        _queue.TakenOfBatch.Should().Be(0);
        _queue.Queued.Should().Be(50);
    }

    [Fact]
    public void A_transport_that_counts_more_than_the_batch_has_taken_the_batch()
    {
        AppendBytes(100);
        Take();
        _wire.Sent += 1_000;
        AppendBytes(50);

        _queue.TakenOfBatch.Should().Be(100);
        _queue.Queued.Should().Be(50);
    }

    [Fact]
    public void A_transport_that_counts_backwards_has_taken_nothing()
    {
        _wire.Sent = 1_000;
        AppendBytes(100);
        Take();
        _wire.Sent = 0;

        _queue.TakenOfBatch.Should().Be(0);
    }

    [Fact]
    public void A_transport_that_throws_when_it_is_asked_has_taken_nothing_of_the_batch()
    {
        AppendBytes(100);
        Take();
        _wire.Sent += 30;
        _wire.Fault = new InvalidOperationException("somebody else's transport");

        _queue.TakenOfBatch.Should().Be(0);
        _queue.Queued.Should().Be(100);
        AppendBytes(MaxQueuedBytes - 100).Should().Be(Appended.Queued);
        Append("1").Should().Be(Appended.Overflow);
        _queue.Lose();
        _queue.UnsentBytes.Should().Be(MaxQueuedBytes);
    }

    [Fact]
    public void A_batch_is_taken_from_the_queue_though_the_transport_throws_when_it_is_asked()
    {
        _wire.Fault = new InvalidOperationException("somebody else's transport");
        Append("1");

        Take().Should().Be("1");

        _queue.BatchLength.Should().Be(1);
    }

    [Fact]
    public void A_message_too_much_is_not_added_and_what_was_queued_stays()
    {
        AppendBytes(MaxQueuedBytes - 1).Should().Be(Appended.Flush);
        Append("1").Should().Be(Appended.Queued, "so much is allowed");

        Append("2").Should().Be(Appended.Overflow);
        _queue.AppendFramed("3"u8, _me).Should().Be(Appended.Overflow);

        Take().Should().HaveLength(MaxQueuedBytes).And.EndWith("1");
        _queue.MessagesTaken.Should().Be(2);
    }

    [Fact]
    public void A_message_that_overflows_the_queue_makes_nobody_the_flusher()
    {
        // A cork alone never gathers so much: its limit is lower.
        _queue.Cork(_me);
        AppendBytes(MaxQueuedBytes).Should().Be(Appended.Queued);

        Append("1").Should().Be(Appended.Overflow);

        _queue.IsFlushing.Should().BeFalse();
        _queue.Queued.Should().Be(MaxQueuedBytes);
    }

    [Fact]
    public void A_message_longer_than_the_limit_is_let_in_alone()
    {
        AppendBytes(3 * MaxQueuedBytes).Should().Be(Appended.Flush);
        Append("1").Should().Be(Appended.Overflow);
        Take().Should().HaveLength(3 * MaxQueuedBytes);
        _wire.Sent += (3 * MaxQueuedBytes) - 1;
        AppendBytes(3 * MaxQueuedBytes).Should().Be(Appended.Overflow, "a byte of the batch is not taken");

        _wire.Sent++;

        AppendBytes(3 * MaxQueuedBytes).Should().Be(Appended.Queued);
    }

    [Fact]
    public void The_limit_counts_only_what_the_transport_has_not_taken()
    {
        AppendBytes(MaxQueuedBytes);
        Take();
        _wire.Sent += 10;

        AppendBytes(11).Should().Be(Appended.Overflow);
        AppendBytes(10).Should().Be(Appended.Queued);
        Append("1").Should().Be(Appended.Overflow);
    }

    [Fact]
    public void A_frame_that_no_array_holds_overflows_before_it_is_looked_at()
    {
        byte first = 0;
        var frame = MemoryMarshal.CreateReadOnlySpan(ref first, int.MaxValue);

        _queue.AppendFramed(frame, _me).Should().Be(Appended.Overflow);

        _queue.IsSending.Should().BeFalse();
    }

    // ---- Room ----

    [Fact]
    public void Nobody_waits_before_more_is_queued_than_the_high_water_mark()
    {
        _queue = Create(64 * HighWaterMark);
        AppendBytes(HighWaterMark);
        _queue.IsFull.Should().BeFalse();
        _queue.HasRoom.Should().BeTrue();
        _queue.WaitForRoom().Should().BeNull();

        Append("1");

        _queue.IsFull.Should().BeTrue();
        _queue.HasRoom.Should().BeFalse();
        _queue.WaitForRoom().Should().NotBeNull();
    }

    [Fact]
    public void The_exact_look_asks_the_transport_and_the_cheap_one_does_not()
    {
        _queue = Create(64 * HighWaterMark);
        AppendBytes(HighWaterMark + 1);
        Take();
        _queue.IsFull.Should().BeTrue();

        _wire.Sent++;

        _queue.IsFull.Should().BeFalse();
        _queue.HasRoom.Should().BeFalse();
        _queue.WaitForRoom().Should().BeNull();
    }

    [Fact]
    public void All_who_wait_for_room_are_told_once_when_half_of_the_mark_is_left()
    {
        _queue = Create(64 * HighWaterMark);
        AppendBytes(HighWaterMark + 1);
        var waits = _queue.WaitForRoom();
        _queue.WaitForRoom().Should().BeSameAs(waits);
        Take();
        TakeRoom().Should().BeNull("the batch is on the wire");

        AppendBytes(HighWaterMark / 2);
        Take();
        TakeRoom().Should().BeSameAs(waits);
        waits!.IsCompleted.Should().BeFalse("the connection tells, outside of the lock");
        TakeRoom().Should().BeNull();
    }

    [Fact]
    public void Nobody_is_told_of_room_while_more_than_half_of_the_mark_is_queued()
    {
        _queue = Create(64 * HighWaterMark);
        AppendBytes(HighWaterMark + 1);
        _queue.WaitForRoom();
        Take();
        AppendBytes(HighWaterMark / 2);
        Take();
        Append("1");

        TakeRoom().Should().BeNull();
        Take();
        TakeRoom().Should().NotBeNull();
    }

    [Fact]
    public void Who_waits_for_room_after_the_last_were_told_waits_anew()
    {
        _queue = Create(64 * HighWaterMark);
        AppendBytes(HighWaterMark + 1);
        var first = _queue.WaitForRoom();
        Take();
        Take();
        TakeRoom();
        AppendBytes(HighWaterMark + 1);

        _queue.WaitForRoom().Should().NotBeNull().And.NotBeSameAs(first);
    }

    [Fact]
    public void What_a_threads_own_batch_has_gathered_makes_it_not_wait()
    {
        _queue = Create(64 * HighWaterMark);
        _queue.Cork(_me);
        AppendBytes(HighWaterMark + 1).Should().Be(Appended.Queued);
        _queue.IsFull.Should().BeFalse();
        _queue.WaitForRoom().Should().BeNull();

        _queue.TryLiftCork(lifts: true, flushes: false);

        _queue.IsFull.Should().BeTrue("the batch goes out now, and may take its time");
    }

    [Fact]
    public void The_batch_of_another_thread_is_waited_for()
    {
        _queue = Create(64 * HighWaterMark);
        _queue.Cork(_me + 1);
        AppendBytes(HighWaterMark + 1, _me + 1).Should().Be(Appended.Queued);

        _queue.IsFull.Should().BeTrue();
    }

    [Fact]
    public void A_corked_thread_waits_for_a_flush_that_is_under_way()
    {
        _queue = Create(64 * HighWaterMark);
        _queue.Cork(_me);
        AppendBytes(HighWaterMark + 1, Uncorkable).Should().Be(Appended.Flush);

        _queue.IsFull.Should().BeTrue();
    }

    // ---- The end of the output ----

    [Fact]
    public void The_end_is_sent_behind_what_is_queued_by_who_closes_when_nobody_flushes()
    {
        _queue.Cork(_me);
        Append("1");

        _queue.EndWhenEmpty().Should().BeTrue();

        _queue.IsFlushing.Should().BeTrue();
        Take().Should().Be("1");
        Take().Should().BeNull();
        _queue.EndFlush().Should().BeTrue("the end is to be sent");
        _queue.IsFlushing.Should().BeTrue("who sends the end has the sending end");
        _queue.IsOver.Should().BeFalse();
        _queue.Ended();
        _queue.IsOver.Should().BeTrue();
        _queue.IsFlushing.Should().BeFalse();
        _queue.UnsentBytes.Should().Be(0);
    }

    [Fact]
    public void The_end_is_sent_by_the_flusher_if_there_is_one()
    {
        Append("1");

        _queue.EndWhenEmpty().Should().BeFalse();

        Take().Should().Be("1");
        Take().Should().BeNull();
        _queue.EndFlush().Should().BeTrue();
    }

    [Fact]
    public void The_end_is_sent_once()
    {
        Reach(Stage.Ending);
        _queue.EndFlush().Should().BeFalse();
        _queue.Ended();

        _queue.EndWhenEmpty().Should().BeTrue();
        _queue.EndFlush().Should().BeFalse();

        _queue.IsFlushing.Should().BeFalse();
    }

    [Fact]
    public void No_end_is_sent_before_it_is_due()
    {
        Append("1");
        Take();
        _queue.EndFlush().Should().BeFalse();
        _queue.Ended();

        _queue.IsOver.Should().BeFalse();
    }

    public static TheoryData<string> Stages => [.. Enum.GetNames<Stage>()];

    [Theory]
    [MemberData(nameof(Stages))]
    public void What_is_lost_at_any_stage_is_over_and_sends_nothing_more(string stage)
    {
        Reach(Enum.Parse<Stage>(stage));

        _queue.Lose();

        _queue.IsOver.Should().BeTrue();
        Take().Should().BeNull();
        _queue.BatchLength.Should().Be(0);
        _queue.EndFlush().Should().BeFalse("the end is not sent any more");
        _queue.IsFlushing.Should().BeFalse();
        _queue.EndWhenEmpty().Should().BeTrue();
        Take().Should().BeNull();
        _queue.EndFlush().Should().BeFalse();
        _queue.Ended();
        _queue.IsOver.Should().BeTrue();
    }

    [Theory]
    [InlineData(nameof(Stage.Idle), 0)]
    [InlineData(nameof(Stage.Gathering), 10)]
    [InlineData(nameof(Stage.Sending), 100)]
    [InlineData(nameof(Stage.Behind), 110)]
    [InlineData(nameof(Stage.EndDue), 110)]
    [InlineData(nameof(Stage.Ending), 0)]
    [InlineData(nameof(Stage.Ended), 0)]
    public void What_the_transport_had_not_taken_when_the_output_was_lost_is_counted(string stage, int expected)
    {
        Reach(Enum.Parse<Stage>(stage));

        _queue.Lose();

        _queue.UnsentBytes.Should().Be(expected);
        _queue.Queued.Should().BeLessThanOrEqualTo(100, "only the batch on the wire is left");
    }

    [Fact]
    public void The_part_of_the_batch_that_the_transport_had_taken_is_not_lost()
    {
        Reach(Stage.Behind);
        _wire.Sent += 40;

        _queue.Lose();

        _queue.UnsentBytes.Should().Be(70);
    }

    [Fact]
    public void The_flusher_of_an_output_that_is_lost_keeps_its_role_until_its_send_ends()
    {
        Reach(Stage.Behind);
        _queue.Lose();
        _queue.IsFlushing.Should().BeTrue();
        _queue.IsSending.Should().BeTrue();

        Flushed();

        _queue.IsSending.Should().BeFalse();
    }

    [Fact]
    public void An_output_that_is_lost_while_its_end_is_sent_stays_lost_and_the_role_is_given_back()
    {
        Reach(Stage.Ending);
        _queue.Lose();
        _queue.IsFlushing.Should().BeTrue();

        _queue.Ended();

        _queue.IsFlushing.Should().BeFalse();
        _queue.IsOver.Should().BeTrue();
    }

    [Fact]
    public void Who_waits_for_room_is_told_of_a_loss_once()
    {
        _queue = Create(64 * HighWaterMark);
        AppendBytes(HighWaterMark + 1);
        var waits = _queue.WaitForRoom();

        Lose().Should().BeSameAs(waits);

        Lose().Should().BeNull();
        TakeRoom().Should().BeNull();
    }

    [Fact]
    public void A_flush_that_fails_counts_what_is_unsent_and_gives_the_role_back()
    {
        Reach(Stage.Behind);
        _wire.Sent += 40;

        _queue.FlushFailed();

        _queue.UnsentBytes.Should().Be(70);
        _queue.IsFlushing.Should().BeFalse();
        _queue.BatchLength.Should().Be(0);
        _queue.IsOver.Should().BeFalse("an abort follows");
    }

    [Fact]
    public void The_abort_behind_a_failed_flush_does_not_count_less()
    {
        Reach(Stage.EndDue);
        _queue.FlushFailed();

        _queue.Lose();

        _queue.UnsentBytes.Should().Be(110);
        _queue.IsOver.Should().BeTrue();
    }

    /// <summary>Brings the queue into a stage of its life: what the batch has is 100 bytes, what waits behind it 10.</summary>
    private void Reach(Stage stage)
    {
        switch (stage)
        {
            case Stage.Idle:
                break;

            case Stage.Gathering:
                _queue.Cork(_me);
                AppendBytes(10);
                break;

            case Stage.Sending:
                AppendBytes(100);
                Take();
                break;

            case Stage.Behind:
                Reach(Stage.Sending);
                AppendBytes(10);
                break;

            case Stage.EndDue:
                Reach(Stage.Behind);
                _queue.EndWhenEmpty();
                break;

            case Stage.Ending:
                _queue.EndWhenEmpty();
                Take();
                _queue.EndFlush();
                break;

            default:
                Reach(Stage.Ending);
                _queue.Ended();
                break;
        }
    }

    private SendQueue Create(int maxQueuedBytes = MaxQueuedBytes, IFramer? framer = null) => new(_wire, Settings(maxQueuedBytes, framer));

    private static ConnectionSettings Settings(int maxQueuedBytes, IFramer? framer = null) => TestSettings.Create(options =>
    {
        options.MaxQueuedBytes = maxQueuedBytes;
        options.Framer = framer ?? options.Framer;
    });

    private Appended Append(string message, int? sender = null) => _queue.Append(Encoding.UTF8.GetBytes(message), sender ?? _me);

    private Appended AppendBytes(int count, int? sender = null) => _queue.Append(new byte[count], sender ?? _me);

    /// <summary>The next batch; null: there is none.</summary>
    private string? Take() => _queue.TryTake(out var batch) ? batch.Text() : null;

    /// <summary>Who is to be told of room, or null.</summary>
    private Task? TakeRoom() => _queue.TakeRoom()?.Task;

    /// <summary>Who is to be told of the loss, or null.</summary>
    private Task? Lose() => _queue.Lose()?.Task;

    /// <summary>The flusher finds nothing left.</summary>
    private void Flushed()
    {
        Take().Should().BeNull();
        _queue.EndFlush().Should().BeFalse();
    }

    private enum Stage
    {
        Idle,
        Gathering,
        Sending,
        Behind,
        EndDue,
        Ending,
        Ended,
    }

    /// <summary>A transport that is asked for one thing only.</summary>
    private sealed class CountingWire : Transport
    {
        public long Sent { get; set; }

        public Exception? Fault { get; set; }

        public override EndPoint? LocalEndPoint => null;

        public override EndPoint? RemoteEndPoint => null;

        public override long BytesSent => Fault is null ? Sent : throw Fault;

        public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => throw new NotSupportedException();

        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => throw new NotSupportedException();

        public override void Abort() => throw new NotSupportedException();

        public override ValueTask DisposeAsync() => throw new NotSupportedException();
    }
}
