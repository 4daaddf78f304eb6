using System.Text;
using SocketKit.Connections;
using static SocketKit.Connections.HandlerQueue;

namespace SocketKit.Tests.Connections;

public class HandlerQueueTests
{
    private HandlerQueue _queue;
    private bool _isAwake;

    // ---- Who calls the handler ----

    [Fact]
    public void The_handler_is_idle_until_it_is_handed_over_and_again_when_the_mailbox_is_empty()
    {
        _queue.IsBusy.Should().BeFalse();
        _queue.HandOver();
        _queue.IsBusy.Should().BeTrue();
        Add("1").Should().BeTrue();

        Take().Should().Be("1");
        _queue.IsBusy.Should().BeTrue("the drain calls it with this message");
        Take().Should().BeNull();
        _queue.IsBusy.Should().BeFalse();
    }

    [Fact]
    public void A_drain_that_fails_gives_the_handler_back_with_messages_in_the_mailbox()
    {
        _queue.HandOver();
        Add("1");

        _queue.GiveBack();

        _queue.IsBusy.Should().BeFalse();
        _queue.Count.Should().Be(1);
    }

    [Fact]
    public void Calls_are_counted_when_they_begin()
    {
        _queue.Calls.Should().Be(0);
        _queue.BeginCall();
        _queue.BeginCall();
        _queue.Calls.Should().Be(2);
    }

    // ---- What waits ----

    [Fact]
    public void Messages_are_copied_and_taken_in_order()
    {
        byte[] message = [1];
        _queue.HandOver();
        _queue.TryAdd(message).Should().BeTrue();
        message[0] = 2;
        _queue.TryAdd(message).Should().BeTrue();
        message[0] = 3;
        _queue.Count.Should().Be(2);

        _queue.TryTake(out var first, out _).Should().BeTrue();
        _queue.TryTake(out var second, out _).Should().BeTrue();

        first.Should().Equal(1);
        second.Should().Equal(2);
    }

    [Fact]
    public void A_message_that_finds_the_mailbox_full_is_not_taken()
    {
        Fill();
        _queue.IsFull.Should().BeFalse();

        Add("1").Should().BeFalse();

        _queue.IsFull.Should().BeTrue();
        _queue.Count.Should().Be(ConnectionSettings.MailboxMessages);
    }

    [Fact]
    public void The_message_that_is_held_is_given_back_as_it_was_parsed()
    {
        _queue.IsHolding.Should().BeFalse();
        var frame = Frame.Message(2, 30, 4, barrier: true);
        _queue.Hold(frame);
        _queue.IsHolding.Should().BeTrue();
        _queue.Held.Should().Be(frame);

        _queue.LetGo();
        _queue.IsHolding.Should().BeFalse();
        _queue.Hold(Frame.Message(0, 5));
        _queue.Held.Should().Be(Frame.Message(0, 5));
    }

    [Fact]
    public void A_close_discards_what_waits_and_counts_it_beside_what_was_discarded_before()
    {
        _queue.HandOver();
        _queue.Discard();
        Add("1");
        Add("2");

        _queue.Close().Should().BeFalse("nobody waits");

        _queue.Discarded.Should().Be(3);
        _queue.Count.Should().Be(0);
        _queue.IsBusy.Should().BeTrue("a call is under way");
        _queue.Discard();
        _queue.Discarded.Should().Be(4);
        Take().Should().BeNull();
        _queue.IsBusy.Should().BeFalse();
    }

    // ---- What the receive loop waits for ----

    [Fact]
    public void Room_is_there_when_the_mailbox_is_half_empty_and_not_for_every_single_place()
    {
        FillAndHold();
        Wait(WaitFor.Room).Should().BeFalse();
        for (var i = 0; i < (ConnectionSettings.MailboxMessages / 2) - 1; i++)
        {
            TakeOne().Should().BeFalse();
        }

        _queue.IsFull.Should().BeTrue();
        TakeOne().Should().BeTrue();

        _queue.IsFull.Should().BeFalse();
        _isAwake.Should().BeFalse("the connection wakes it, outside of the lock");
        _queue.Wake();
        _isAwake.Should().BeTrue();
        TakeOne().Should().BeFalse("nobody waits any more");
    }

    [Fact]
    public void A_half_empty_mailbox_has_no_room_for_a_held_message_that_is_too_long_for_it()
    {
        _queue.HandOver();
        Add("1");
        _queue.TryAdd(new byte[100_000]);
        _queue.TryAdd(new byte[200_000]).Should().BeFalse();
        _queue.Hold(Frame.Message(0, 200_000));
        Wait(WaitFor.Room).Should().BeFalse();

        TakeOne().Should().BeFalse();
        TakeOne().Should().BeTrue("an empty mailbox takes any message");
    }

    [Fact]
    public void The_wait_for_room_is_over_at_once_when_the_drain_has_made_room_meanwhile()
    {
        FillAndHold();
        for (var i = 0; i < ConnectionSettings.MailboxMessages / 2; i++)
        {
            TakeOne().Should().BeFalse("nobody waits yet");
        }

        Wait(WaitFor.Room).Should().BeTrue();

        _queue.IsFull.Should().BeFalse();
    }

    [Theory]
    [InlineData(nameof(WaitFor.Room))]
    [InlineData(nameof(WaitFor.Idle))]
    public void The_wait_for_the_handler_is_over_at_once_when_no_drain_has_it(string what)
    {
        FillAndHold();
        _queue.GiveBack();

        Wait(Enum.Parse<WaitFor>(what)).Should().BeTrue();

        _queue.IsFull.Should().BeFalse();
    }

    [Fact]
    public void The_wait_for_an_idle_handler_ends_with_the_last_call_and_not_with_room()
    {
        _queue.HandOver();
        Add("1");
        Add("2");
        Wait(WaitFor.Idle).Should().BeFalse();

        TakeOne().Should().BeFalse();
        TakeOne().Should().BeFalse("this message is being handled");
        TakeNone().Should().BeTrue();

        _queue.Wake();
        _isAwake.Should().BeTrue();
    }

    [Fact]
    public void Nobody_is_woken_twice()
    {
        _queue.HandOver();
        Wait(WaitFor.Idle).Should().BeFalse();
        TakeNone().Should().BeTrue();

        TakeNone().Should().BeFalse();
        _queue.AllSent().Should().BeFalse();
        _queue.Close().Should().BeFalse();
    }

    [Fact]
    public void The_wait_for_the_transport_ends_when_all_is_sent_and_not_with_the_handlers_calls()
    {
        _queue.HandOver();
        Add("1");
        Wait(WaitFor.Sent, isSending: true).Should().BeFalse();

        TakeOne().Should().BeFalse();
        TakeNone().Should().BeFalse();
        _queue.AllSent().Should().BeTrue();

        _queue.AllSent().Should().BeFalse("nobody waits any more");
        _queue.Wake();
        _isAwake.Should().BeTrue();
    }

    [Fact]
    public void The_wait_for_the_transport_is_over_at_once_when_nothing_is_sent_though_the_handler_is_busy()
    {
        _queue.HandOver();
        Wait(WaitFor.Sent, isSending: false).Should().BeTrue();
    }

    [Theory]
    [InlineData(nameof(WaitFor.Room))]
    [InlineData(nameof(WaitFor.Idle))]
    public void That_all_is_sent_wakes_nobody_who_waits_for_the_handler(string what)
    {
        FillAndHold();
        Wait(Enum.Parse<WaitFor>(what), isSending: true).Should().BeFalse();

        _queue.AllSent().Should().BeFalse();

        _queue.Close().Should().BeTrue("it waits still");
    }

    [Theory]
    [InlineData(nameof(WaitFor.Room))]
    [InlineData(nameof(WaitFor.Idle))]
    [InlineData(nameof(WaitFor.Sent))]
    public void On_a_connection_that_closes_nothing_is_waited_for(string what)
    {
        FillAndHold();
        Wait(Enum.Parse<WaitFor>(what), isSending: true, isClosing: true).Should().BeTrue();
        _queue.IsFull.Should().BeFalse();
    }

    [Theory]
    [InlineData(nameof(WaitFor.Room))]
    [InlineData(nameof(WaitFor.Idle))]
    [InlineData(nameof(WaitFor.Sent))]
    public void A_close_wakes_whoever_waits_for_whatever(string what)
    {
        FillAndHold();
        Wait(Enum.Parse<WaitFor>(what), isSending: true).Should().BeFalse();

        _queue.Close().Should().BeTrue();

        _queue.Wake();
        _isAwake.Should().BeTrue();
        _queue.Discarded.Should().Be(ConnectionSettings.MailboxMessages);
        _queue.Close().Should().BeFalse();
        TakeNone().Should().BeFalse();
        _queue.AllSent().Should().BeFalse();
    }

    [Fact]
    public void One_wait_after_another_is_ended_by_its_own_wake()
    {
        for (var round = 0; round < 3; round++)
        {
            _isAwake = false;
            _queue.HandOver();
            Wait(WaitFor.Idle).Should().BeFalse();
            TakeNone().Should().BeTrue();
            _isAwake.Should().BeFalse();
            _queue.Wake();
            _isAwake.Should().BeTrue();
        }
    }

    [Fact]
    public void A_queue_that_is_closed_is_not_full()
    {
        FillAndHold();
        _queue.IsFull.Should().BeTrue();

        _queue.Close();

        _queue.IsFull.Should().BeFalse();
    }

    private bool Add(string message) => _queue.TryAdd(Encoding.UTF8.GetBytes(message));

    private void Fill()
    {
        _queue.HandOver();
        for (var i = 0; i < ConnectionSettings.MailboxMessages; i++)
        {
            Add($"{i}").Should().BeTrue();
        }
    }

    private void FillAndHold()
    {
        Fill();
        Add("held").Should().BeFalse();
        _queue.Hold(Frame.Message(0, 4));
    }

    private string? Take() => _queue.TryTake(out var message, out _) ? Encoding.UTF8.GetString(message) : null;

    /// <returns>True: the receive loop is to be woken.</returns>
    private bool TakeOne()
    {
        _queue.TryTake(out _, out var wake).Should().BeTrue();
        return wake;
    }

    /// <returns>True: the receive loop is to be woken.</returns>
    private bool TakeNone()
    {
        _queue.TryTake(out _, out var wake).Should().BeFalse();
        return wake;
    }

    /// <summary>Waits, and takes note of the wake.</summary>
    /// <returns>True: the wait is over already.</returns>
    private bool Wait(WaitFor what, bool isSending = false, bool isClosing = false)
    {
        var awaiter = _queue.WaitAsync(what, isSending, isClosing).ConfigureAwait(false).GetAwaiter();
        if (awaiter.IsCompleted)
        {
            return awaiter.GetResult();
        }

        awaiter.UnsafeOnCompleted(() => _isAwake = awaiter.GetResult());
        return false;
    }
}
