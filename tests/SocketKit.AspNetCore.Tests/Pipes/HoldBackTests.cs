using System.Buffers;
using System.Diagnostics;
using SocketKit.AspNetCore.Pipes;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Pipes;

/// <summary>What ends the wait of flushes whose code blocks, and which flushes of other threads wait at all.</summary>
public class HoldBackTests
{
    private readonly ScriptedTransport _wire = new();
    private readonly PipeOwner _owner;
    private readonly TransportPipeWriter _writer;

    public HoldBackTests()
    {
        _owner = new PipeOwner(_wire) { FlushPlace = FlushPlace.InputGoesOn };
        _writer = new TransportPipeWriter(_wire, _owner);
    }

    [Fact]
    [Trait("Fault", "X22")]
    public async Task On_an_engines_thread_a_turn_ends_the_wait_of_code_that_blocks()
    {
        await OnEngineThreadAsync(() =>
        {
            Flush(1);
            Flush(2);
        });
        (_wire.Sends, _wire.Turns).Should().Be((0, 1));

        _wire.Turn();

        _wire.Sent.Should().Equal(1, 2);
        await OnEngineThreadAsync(() => Flush(3));
        (_wire.Sends, _wire.Turns).Should().Be((2, 1), "what it still flushes goes out by itself");
        _writer.SendHeld();
        await OnEngineThreadAsync(() => Flush(4));
        (_wire.Sends, _wire.Turns).Should().Be((2, 2), "the next one holds back again");
    }

    [Fact]
    [Trait("Fault", "X22")]
    public async Task A_turn_that_comes_after_the_end_sends_nothing()
    {
        await OnEngineThreadAsync(() =>
        {
            Flush(1);
            _writer.SendHeld();
        });

        _wire.Turn();

        (_wire.Sends, _wire.Sent.Count).Should().Be((1, 1));
    }

    [Fact]
    [Trait("Fault", "X22")]
    public async Task Who_sends_already_takes_what_a_turn_finds()
    {
        await OnEngineThreadAsync(() => Flush(1));
        _wire.HoldsSends = true;
        _writer.SendHeld();
        _writer.Write<byte>([2]);
        var second = _writer.FlushAsync();

        _wire.Turn();

        (_wire.IsSending, second.IsCompleted, _wire.Sends).Should().Be((true, false, 1));
        _wire.CompleteSend();
        _wire.CompleteSend();
        await second.InTime();
        _wire.Sent.Should().Equal(1, 2);
    }

    [Fact]
    [Trait("Fault", "X22")]
    public async Task On_a_thread_of_the_pool_the_clock_asks_for_the_turn_and_sends_nothing_itself()
    {
        await Task.Run(() => Flush(1));

        SpinWait.SpinUntil(() => _wire.Turns == 1, Bytes.Bound).Should().BeTrue();
        _wire.Sends.Should().Be(0);
        _wire.Turn();

        // The clock may not have come to wait for the turn yet: then it is told of it elsewhere.
        SpinWait.SpinUntil(() => _wire.Sends == 1, Bytes.Bound).Should().BeTrue();
        _wire.Sent.Should().Equal(1);
        SpinWait.SpinUntil(() => !_writer.Tick(long.MaxValue), Bytes.Bound).Should().BeTrue("nothing is watched any more");
        _wire.Turns.Should().Be(1);
    }

    [Fact]
    [Trait("Fault", "X21")]
    public void Flushes_of_other_threads_wait_for_each_other_only_while_they_come_together()
    {
        var hold = default(HoldBack);
        var gap = Stopwatch.Frequency / 10_000;
        var now = gap;
        hold.Choose(FlushPlace.Elsewhere, now).Should().Be(HoldBack.Choice.Send);
        hold.Choose(FlushPlace.Elsewhere, now += gap).Should().Be(HoldBack.Choice.Send, "one at a time");
        hold.Choose(FlushPlace.Elsewhere, ++now).Should().Be(HoldBack.Choice.Wait | HoldBack.Choice.Item | HoldBack.Choice.Ticks);
        hold.Choose(FlushPlace.Elsewhere, ++now).Should().Be(HoldBack.Choice.Wait);
        hold.Item();

        const HoldBack.Choice OneMoreItem = HoldBack.Choice.Wait | HoldBack.Choice.Item;
        hold.Choose(FlushPlace.Elsewhere, now += 60 * Stopwatch.Frequency).Should().Be(OneMoreItem, "the last gathering was worth it");
        hold.Item();

        hold.Choose(FlushPlace.Elsewhere, now + gap).Should().Be(HoldBack.Choice.Send, "and this one was not");
    }

    [Fact]
    [Trait("Fault", "X21")]
    public void Who_sends_takes_flushes_of_other_threads_that_come_together_and_they_do_not_wait_for_it()
    {
        var hold = default(HoldBack);
        var now = Stopwatch.Frequency;
        hold.Join(FlushPlace.Elsewhere, now).Should().Be(HoldBack.Choice.Send, "it comes alone");

        hold.Join(FlushPlace.Elsewhere, now + 1).Should().Be(HoldBack.Choice.Wait, "and there is nobody to ask");

        hold.Join(FlushPlace.InputUsedUp, now + 2).Should().Be(HoldBack.Choice.Send);
        hold.Join(FlushPlace.InputGoesOn, now + 3).Should().Be(HoldBack.Choice.Send);
    }

    [Fact]
    [Trait("Fault", "X21")]
    public void Flushes_that_come_together_are_complete_while_a_send_is_outstanding_up_to_64_KiB()
    {
        _owner.FlushPlace = FlushPlace.Elsewhere;
        _wire.HoldsSends = true;

        // Two that this machine runs more than 20 us apart have not come together: once more.
        SpinWait.SpinUntil(() => TryFlush() && TryFlush() && SpinWait.SpinUntil(() => _wire.IsSending, Bytes.Bound) && TryFlush(), Bytes.Bound)
            .Should().BeTrue();

        (_wire.IsSending, _writer.HeldBytes > 0).Should().Be((true, true));
        _writer.Write(new byte[64 * 1024]);
        var tooMuch = _writer.FlushAsync();
        tooMuch.IsCompleted.Should().BeFalse();
        var sends = _wire.Sends;
        _wire.CompleteSend();
        _wire.Sends.Should().BeGreaterThan(sends, "who sends goes on with all that came meanwhile");
        while (_wire.IsSending)
        {
            _wire.CompleteSend();
        }

        tooMuch.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Fact]
    [Trait("Fault", "X21")]
    public async Task Flushes_that_were_gathered_leave_in_order_and_all_of_them()
    {
        _owner.FlushPlace = FlushPlace.Elsewhere;

        await Task.Run(() =>
        {
            for (var i = 0; i < 250; i++)
            {
                Flush((byte)i);
            }
        }).InTime();

        await _writer.EndAsync().InTime();
        _wire.Sent.Should().Equal(Enumerable.Range(0, 250).Select(i => (byte)i));
        _wire.Sends.Should().BeLessThan(250);
    }

    [Fact]
    [Trait("Fault", "X22")]
    public void What_was_gathered_does_not_wait_for_a_pool_that_handlers_block()
    {
        var hold = default(HoldBack);
        var now = Stopwatch.GetTimestamp();
        hold.Choose(FlushPlace.Elsewhere, now);
        hold.Choose(FlushPlace.Elsewhere, now).Should().HaveFlag(HoldBack.Choice.Ticks);

        hold.Tick(Environment.TickCount64, out var asksForTurn).Should().BeTrue();
        asksForTurn.Should().BeFalse();
        hold.Tick(Environment.TickCount64 + 100, out asksForTurn).Should().BeTrue();
        asksForTurn.Should().BeTrue();
        hold.Tick(Environment.TickCount64 + 200, out asksForTurn).Should().BeTrue();
        asksForTurn.Should().BeFalse("it is asked for");
        hold.Turn();

        hold.Tick(Environment.TickCount64 + 300, out asksForTurn).Should().BeFalse();
    }

    private void Flush(byte value)
    {
        _writer.Write<byte>([value]);
        _writer.FlushAsync().AsTask().Wait(Bytes.Bound).Should().BeTrue();
    }

    /// <summary>False: the flush had to wait for a send, which is complete now, as is all before it.</summary>
    private bool TryFlush()
    {
        _writer.Write<byte>([1]);
        var flush = _writer.FlushAsync();
        if (flush.IsCompleted)
        {
            return true;
        }

        SpinWait.SpinUntil(
            () =>
            {
                if (_wire.IsSending)
                {
                    _wire.CompleteSend();
                }

                return flush.IsCompleted;
            },
            Bytes.Bound);
        return false;
    }

    private static Task OnEngineThreadAsync(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).InTime();
}
