using System.Buffers;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using SocketKit.AspNetCore.Pipes;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Pipes;

public class TransportPipeWriterTests
{
    private readonly ScriptedTransport _wire = new();
    private readonly PipeOwner _owner;
    private readonly TransportPipeWriter _writer;

    public TransportPipeWriterTests()
    {
        _owner = new PipeOwner(_wire);
        _writer = new TransportPipeWriter(_wire, _owner);
    }

    [Fact]
    public async Task A_flush_sends_what_was_written_and_holds_nothing_afterwards()
    {
        _writer.Write<byte>([1, 2, 3]);
        _writer.UnflushedBytes.Should().Be(3);

        var result = await _writer.FlushAsync().InTime();

        result.IsCompleted.Should().BeFalse();
        _wire.Sent.Should().Equal(1, 2, 3);
        (_writer.UnflushedBytes, _writer.HeldBytes).Should().Be((0, 0));
    }

    [Fact]
    public async Task Writes_go_on_while_a_flush_is_pending_and_follow_in_order()
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1]);
        var first = _writer.FlushAsync();
        first.IsCompleted.Should().BeFalse();

        var memory = _writer.GetMemory(2);
        _wire.CompleteSend();
        await first.InTime();
        memory.Span[0] = 2;
        memory.Span[1] = 3;
        _writer.Advance(2);
        var second = _writer.FlushAsync();
        _wire.CompleteSend();
        await second.InTime();

        _wire.Sent.Should().Equal(1, 2, 3);
        _writer.HeldBytes.Should().Be(0);
    }

    [Fact]
    public async Task A_cancelled_flush_loses_nothing_and_the_next_one_waits_for_its_bytes()
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1]);
        var cancelled = _writer.FlushAsync();
        _writer.CancelPendingFlush();
        (await cancelled.InTime()).IsCanceled.Should().BeTrue();
        _wire.IsSending.Should().BeTrue();

        _writer.Write<byte>([2]);
        var next = _writer.FlushAsync();
        next.IsCompleted.Should().BeFalse();
        _wire.CompleteSend();
        _wire.CompleteSend();

        (await next.InTime()).IsCanceled.Should().BeFalse();
        _wire.Sent.Should().Equal(1, 2);
    }

    [Fact]
    public async Task Cancelling_while_nobody_flushes_is_kept_for_the_next_flush_and_for_that_one_only()
    {
        _writer.CancelPendingFlush();
        _writer.Write<byte>([1]);

        (await _writer.FlushAsync().InTime()).IsCanceled.Should().BeTrue();
        _writer.Write<byte>([2]);
        (await _writer.FlushAsync().InTime()).IsCanceled.Should().BeFalse();
        _wire.Sent.Should().Equal(1, 2);
    }

    [Fact]
    public async Task After_an_abort_flushes_return_completed()
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1]);
        var flush = _writer.FlushAsync();
        _owner.Abort(new ConnectionAbortedException("enough"));

        (await flush.InTime()).IsCompleted.Should().BeTrue();
        _writer.Write<byte>(new byte[100_000]);
        (await _writer.FlushAsync().InTime()).IsCompleted.Should().BeTrue();
        _wire.Sent.Should().Equal(1);
        _writer.HeldBytes.Should().Be(0);
    }

    [Fact]
    public async Task When_the_wire_fails_flushes_return_completed()
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1]);
        var flush = _writer.FlushAsync();
        _wire.FailSend(new SocketException((int)SocketError.Shutdown));

        (await flush.InTime()).IsCompleted.Should().BeTrue();
        (await _writer.FlushAsync().InTime()).IsCompleted.Should().BeTrue();
        _owner.WireEnds.Should().Be(1);
    }

    [Fact]
    public async Task Flushes_are_held_back_while_the_input_goes_on_and_leave_as_one_when_it_pauses()
    {
        _owner.FlushPlace = FlushPlace.InputGoesOn;
        for (byte i = 1; i <= 3; i++)
        {
            _writer.Write<byte>([i]);
            (await _writer.FlushAsync().InTime()).IsCompleted.Should().BeFalse();
        }

        _writer.Write<byte>([4]);
        _wire.Sends.Should().Be(0);

        _writer.SendHeld();

        _wire.Sent.Should().Equal([1, 2, 3], "4 is not flushed");
        _wire.Sends.Should().Be(1);
        _owner.FlushPlace = FlushPlace.InputUsedUp;
        await _writer.FlushAsync().InTime();
        _wire.Sent.Should().Equal(1, 2, 3, 4);
        _writer.HeldBytes.Should().Be(0);
    }

    [Fact]
    public async Task No_more_than_64_KiB_are_held_back()
    {
        _owner.FlushPlace = FlushPlace.InputGoesOn;
        for (var i = 0; i < 63; i++)
        {
            _writer.Write<byte>(Bytes.Pattern(1024));
            await _writer.FlushAsync().InTime();
        }

        _wire.Sends.Should().Be(0);
        _wire.HoldsSends = true;
        _writer.Write<byte>(Bytes.Pattern(1024));
        var flush = _writer.FlushAsync();

        flush.IsCompleted.Should().BeFalse("the peer sets the pace from here on");
        while (_wire.IsSending)
        {
            _wire.CompleteSend();
        }

        await flush.InTime();
        _wire.Sent.Count.Should().Be(64 * 1024);
    }

    [Fact]
    public async Task Completing_sends_what_is_held_back()
    {
        _owner.FlushPlace = FlushPlace.InputGoesOn;
        _writer.Write<byte>([1]);
        await _writer.FlushAsync().InTime();

        await _writer.EndAsync().InTime();

        _wire.Sent.Should().Equal(1);
        _wire.IsFinished.Should().BeTrue();
    }

    [Fact]
    public async Task What_is_held_back_when_the_wire_is_gone_is_thrown_away()
    {
        _owner.FlushPlace = FlushPlace.InputGoesOn;
        _writer.Write<byte>([1]);
        await _writer.FlushAsync().InTime();
        _owner.Abort(new ConnectionAbortedException());

        _writer.SendHeld();

        _wire.Sent.Should().BeEmpty();
        _writer.HeldBytes.Should().Be(0);
    }

    [Fact]
    public async Task A_token_ends_the_flush_alone()
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1]);
        using var source = new CancellationTokenSource();
        var flush = _writer.FlushAsync(source.Token);
        await source.CancelAsync();
        await FluentActions.Awaiting(() => flush.InTime()).Should().ThrowAsync<OperationCanceledException>();

        _wire.CompleteSend();
        (await _writer.FlushAsync().InTime()).IsCompleted.Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_flush_does_not_continue_on_the_stack_of_the_canceller(bool byToken)
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1]);
        using var source = new CancellationTokenSource();
        var flush = _writer.FlushAsync(source.Token).Continuation();

        (await flush.RunsInside(byToken ? source.Cancel : _writer.CancelPendingFlush)).Should().BeFalse();
    }

    [Fact]
    public async Task Memory_that_the_caller_writes_into_is_kept_when_the_wire_fails()
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1]);
        var flush = _writer.FlushAsync();
        var memory = _writer.GetMemory(2);
        _wire.FailSend(new SocketException((int)SocketError.Shutdown));
        (await flush.InTime()).IsCompleted.Should().BeTrue();

        _writer.HeldBytes.Should().BePositive("another connection must not get this memory yet");
        memory.Span[0] = 2;
        _writer.Advance(1);
        (await _writer.FlushAsync().InTime()).IsCompleted.Should().BeTrue();
        _writer.HeldBytes.Should().Be(0);
    }

    [Fact]
    public async Task Completing_sends_the_rest_and_then_the_end_of_the_stream()
    {
        _wire.HoldsSends = true;
        _writer.Write<byte>([1, 2]);
        _writer.Complete();
        _wire.IsFinished.Should().BeFalse();

        var end = _writer.EndAsync();
        end.IsCompleted.Should().BeFalse("the transport must not be released under a send");
        _wire.CompleteSend();

        await end.InTime();
        _wire.Sent.Should().Equal(1, 2);
        _wire.IsFinished.Should().BeTrue();
    }

    [Fact]
    public void Completing_with_an_exception_aborts()
    {
        _writer.Write<byte>([1]);
        _writer.Complete(new InvalidDataException("no"));

        _owner.AbortReason.Should().NotBeNull();
        _wire.Sent.Should().BeEmpty();
        _wire.IsFinished.Should().BeFalse();
    }

    [Fact]
    public async Task What_does_not_fit_one_segment_arrives_whole()
    {
        var sent = Bytes.Pattern(500_000);
        _writer.Write<byte>(sent);

        await _writer.FlushAsync().InTime();

        _wire.Sent.ToArray().AsSpan().SequenceEqual(sent).Should().BeTrue();
        _writer.HeldBytes.Should().Be(0);
    }
}
