using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using SocketKit.AspNetCore.Pipes;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Pipes;

public class TransportPipeReaderTests
{
    private readonly ScriptedTransport _wire = new();
    private readonly PipeOwner _owner;
    private readonly TransportPipeReader _reader;

    public TransportPipeReaderTests()
    {
        _owner = new PipeOwner(_wire);
        _reader = new TransportPipeReader(_wire, _owner);
    }

    [Fact]
    public async Task A_read_waits_without_a_buffer_and_then_receives()
    {
        var read = _reader.ReadAsync();
        (_wire.Waits, _wire.Receives, _reader.HeldBytes).Should().Be((1, 0, 0));

        _wire.Arrive(1, 2, 3);

        var result = await read.InTime();
        result.Buffer.Length.Should().Be(3);
        result.IsCompleted.Should().BeFalse();
        _reader.AdvanceTo(result.Buffer.End);
        _reader.HeldBytes.Should().Be(0, "an idle connection holds no buffer");
    }

    [Fact]
    public async Task The_input_goes_on_where_a_read_continues_until_all_is_consumed()
    {
        var seen = new List<FlushPlace>();
        var elsewhere = FlushPlace.InputGoesOn;
        var read = ConsumeAsync();

        _wire.Arrive(1, 2);
        await read.InTime();

        seen.Should().Equal(FlushPlace.InputGoesOn, FlushPlace.InputGoesOn, FlushPlace.InputUsedUp);
        elsewhere.Should().Be(FlushPlace.Elsewhere, "what flushes on another thread is not about to read on");
        _reader.Place.Should().Be(FlushPlace.Elsewhere);

        async Task ConsumeAsync()
        {
            for (var i = 0; i < 2; i++)
            {
                var result = await _reader.ReadAsync().ConfigureAwait(false);
                seen.Add(_reader.Place);
                if (i == 0)
                {
                    var other = new Thread(() => elsewhere = _reader.Place);
                    other.Start();
                    other.Join();
                }

                _reader.AdvanceTo(result.Buffer.GetPosition(1));
            }

            seen.Add(_reader.Place);
        }
    }

    [Fact]
    public async Task The_input_pauses_before_the_wire_is_waited_for_and_when_the_continuation_is_over()
    {
        var read = _reader.ReadAsync();
        _owner.InputPauses.Should().Be(1);

        _wire.Arrive(1, 2, 3);

        _owner.InputPauses.Should().Be(2, "the continuation has returned");
        _reader.Place.Should().Be(FlushPlace.Elsewhere);
        _reader.AdvanceTo((await read.InTime()).Buffer.Start, (await read).Buffer.GetPosition(1));
        _ = _reader.ReadAsync();
        _owner.InputPauses.Should().Be(2, "that read took what was there");
    }

    [Fact]
    public async Task Advancing_with_examined_before_the_end_completes_the_next_read_at_once()
    {
        var first = await ReadAsync(1, 2, 3);
        _reader.AdvanceTo(first.Buffer.GetPosition(1), first.Buffer.GetPosition(2));

        var second = _reader.ReadAsync();

        second.IsCompleted.Should().BeTrue();
        (await second).Buffer.Text().Should().Be("\u0002\u0003");
    }

    [Fact]
    public async Task Advancing_with_everything_examined_waits_for_more_and_shows_the_rest_with_it()
    {
        var first = await ReadAsync(1, 2, 3);
        _reader.AdvanceTo(first.Buffer.GetPosition(1), first.Buffer.End);

        var second = _reader.ReadAsync();
        second.IsCompleted.Should().BeFalse();
        _wire.Arrive(4);

        (await second.InTime()).Buffer.Text().Should().Be("\u0002\u0003\u0004");
    }

    [Fact]
    public async Task A_cancelled_read_leaves_the_wait_outstanding_for_the_next_one()
    {
        var cancelled = _reader.ReadAsync();
        _reader.CancelPendingRead();
        (await cancelled.InTime()).IsCanceled.Should().BeTrue();
        _wire.IsReceiving.Should().BeTrue();

        var read = _reader.ReadAsync();
        _wire.Waits.Should().Be(1, "the wait is the same one");
        _wire.Arrive(7);

        (await read.InTime()).Buffer.Text().Should().Be("\u0007");
    }

    [Fact]
    public async Task Cancelling_while_nobody_reads_is_kept_for_the_next_read_and_for_that_one_only()
    {
        _reader.CancelPendingRead();

        var cancelled = _reader.ReadAsync();
        cancelled.IsCompleted.Should().BeTrue();
        var result = await cancelled;
        result.IsCanceled.Should().BeTrue();
        _reader.AdvanceTo(result.Buffer.Start);

        var read = _reader.ReadAsync();
        read.IsCompleted.Should().BeFalse();
        _wire.Arrive(1);
        (await read.InTime()).IsCanceled.Should().BeFalse();
    }

    [Fact]
    public async Task What_becomes_readable_while_nobody_reads_is_received_by_the_next_read()
    {
        var cancelled = _reader.ReadAsync();
        _reader.CancelPendingRead();
        await cancelled.InTime();
        _wire.Readable();
        _reader.HeldBytes.Should().Be(0);

        var read = _reader.ReadAsync();

        _wire.Waits.Should().Be(1);
        _wire.Arrive(9);
        (await read.InTime()).Buffer.Text().Should().Be("\u0009");
    }

    [Fact]
    public async Task Cancelling_from_many_threads_loses_neither_bytes_nor_reads()
    {
        var network = new InMemoryNetwork();
        await using var listener = network.Listen("pipe");
        await listener.BindAsync(new(), CancellationToken.None);
        var accepting = listener.AcceptAsync().AsTask();
        var peer = await network.ConnectAsync("pipe");
        var wire = (await accepting)!;
        var reader = new TransportPipeReader(wire, new PipeOwner(wire));
        using var stop = new CancellationTokenSource();
        var cancellers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                reader.CancelPendingRead();
                Thread.Yield();
            }
        })).ToArray();
        var sent = Bytes.Pattern(200_000);
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < sent.Length; i += 1000)
            {
                await peer.SendAsync(sent.AsMemory(i, 1000));
            }

            await peer.CompleteOutputAsync();
        });

        var got = new List<byte>();
        while (true)
        {
            var result = await reader.ReadAsync().InTime();
            foreach (var piece in result.Buffer)
            {
                got.AddRange(piece.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted && result.Buffer.IsEmpty)
            {
                break;
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(cancellers).InTime();
        await sending.InTime();
        got.ToArray().AsSpan().SequenceEqual(sent).Should().BeTrue();
    }

    [Theory]
    [InlineData(SocketError.ConnectionReset)]
    [InlineData(SocketError.Shutdown)]
    public async Task A_reset_and_a_broken_pipe_are_connection_resets(SocketError error)
    {
        var read = _reader.ReadAsync();
        _wire.FailReceive(new SocketException((int)error));

        await FluentActions.Awaiting(() => read.InTime()).Should().ThrowAsync<ConnectionResetException>();
        await FluentActions.Awaiting(() => _reader.ReadAsync().InTime()).Should().ThrowAsync<ConnectionResetException>();
        _owner.WireEnds.Should().Be(1);
    }

    [Fact]
    public async Task After_an_abort_reads_throw_its_reason()
    {
        var read = _reader.ReadAsync();
        var reason = new ConnectionAbortedException("enough");
        _owner.Abort(reason);

        (await FluentActions.Awaiting(() => read.InTime()).Should().ThrowAsync<ConnectionAbortedException>()).Which.Should().BeSameAs(reason);
        (await FluentActions.Awaiting(() => _reader.ReadAsync().InTime()).Should().ThrowAsync<ConnectionAbortedException>()).Which.Should().BeSameAs(reason);
    }

    [Fact]
    public async Task The_end_of_the_stream_completes_reads_and_is_told()
    {
        var read = _reader.ReadAsync();
        _wire.Arrive();

        (await read.InTime()).IsCompleted.Should().BeTrue();
        (await _reader.ReadAsync().InTime()).IsCompleted.Should().BeTrue();
        _owner.WireEnds.Should().Be(1);
    }

    [Fact]
    public async Task A_token_ends_the_read_alone()
    {
        using var source = new CancellationTokenSource();
        var read = _reader.ReadAsync(source.Token);
        await source.CancelAsync();
        await FluentActions.Awaiting(() => read.InTime()).Should().ThrowAsync<OperationCanceledException>();

        var next = _reader.ReadAsync();
        _wire.Arrive(5);
        (await next.InTime()).Buffer.Text().Should().Be("\u0005");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_read_does_not_continue_on_the_stack_of_the_canceller(bool byToken)
    {
        using var source = new CancellationTokenSource();
        var read = _reader.ReadAsync(source.Token).Continuation();

        (await read.RunsInside(byToken ? source.Cancel : _reader.CancelPendingRead)).Should().BeFalse();
    }

    [Fact]
    public async Task A_token_that_is_cancelled_after_the_bytes_arrived_changes_nothing()
    {
        using var source = new CancellationTokenSource();
        var read = _reader.ReadAsync(source.Token);
        _wire.Arrive(1);

        await source.CancelAsync();

        (await read.InTime()).Buffer.Text().Should().Be("\u0001");
    }

    [Fact]
    public async Task A_reader_that_never_waits_yields_to_others()
    {
        _wire.HasEndlessInput = true;
        var read = _reader.ReadAsync();
        while (read.IsCompleted && _wire.Receives < 100)
        {
            _reader.AdvanceTo((await read).Buffer.End);
            read = _reader.ReadAsync();
        }

        read.IsCompleted.Should().BeFalse();
        (_wire.Turns, _wire.Waits + _wire.Receives).Should().Be((1, 16));
        _wire.Turn();
        (await read.InTime()).Buffer.Length.Should().Be(1);
    }

    [Fact]
    public async Task Consuming_everything_keeps_the_buffer_of_an_outstanding_receive()
    {
        var first = await ReadAsync(1, 2, 3);
        _reader.AdvanceTo(first.Buffer.Start, first.Buffer.End);
        var cancelled = await CancelWhileReceivingAsync();

        _reader.AdvanceTo(cancelled.Buffer.End);

        _reader.HeldBytes.Should().BePositive("the transport still writes into it");
        (await ReadAsync(4)).Buffer.Text().Should().Be("\u0004");
    }

    [Fact]
    public async Task Completing_keeps_the_buffer_of_an_outstanding_receive_until_its_end()
    {
        await CancelWhileReceivingAsync();

        _reader.Complete();

        _reader.HeldBytes.Should().BePositive("the transport still writes into it");
        _wire.Arrive(1);
        _reader.HeldBytes.Should().Be(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_end_keeps_the_buffer_of_an_outstanding_receive_until_its_end(bool discard)
    {
        await CancelWhileReceivingAsync();

        var end = _reader.EndAsync(discard);

        (_reader.HeldBytes > 0, end.IsCompleted).Should().Be((true, false), "the transport still writes into it");
        _wire.FailReceive(new IOException("aborted"));
        await end.InTime();
        _reader.HeldBytes.Should().Be(0);
    }

    [Fact]
    public async Task The_end_waits_for_an_outstanding_wait_of_an_aborted_wire()
    {
        var read = _reader.ReadAsync();

        var end = _reader.EndAsync(discard: false);

        end.IsCompleted.Should().BeFalse("the transport must not be released under an operation");
        _wire.FailReceive(new IOException("aborted"));
        await end.InTime();
        await FluentActions.Awaiting(() => read.InTime()).Should().ThrowAsync<IOException>();
    }

    [Fact]
    public async Task A_large_message_lies_in_several_segments_and_all_are_given_back()
    {
        var sent = Bytes.Pattern(100_000);
        var got = 0;
        while (got < sent.Length)
        {
            var read = _reader.ReadAsync();
            while (!read.IsCompleted)
            {
                var count = Math.Min(1000, sent.Length - got);
                _wire.Arrive(sent[got..(got + count)]);
                got += count;
            }

            var result = await read;
            if (got == sent.Length)
            {
                result.Buffer.ToArray().AsSpan().SequenceEqual(sent).Should().BeTrue();
            }

            _reader.AdvanceTo(got == sent.Length ? result.Buffer.End : result.Buffer.Start, result.Buffer.End);
        }

        _reader.HeldBytes.Should().Be(0);
    }

    [Fact]
    public async Task The_end_reads_on_and_discards_until_the_peer_has_finished()
    {
        var read = _reader.ReadAsync();
        _reader.CancelPendingRead();
        await read.InTime();

        var end = _reader.EndAsync(discard: true);
        _wire.Arrive(1, 2, 3);
        end.IsCompleted.Should().BeFalse();
        _wire.Arrive();

        await end.InTime();
        _reader.HeldBytes.Should().Be(0);
    }

    /// <summary>A read is cancelled whose receive has a buffer already, and goes on.</summary>
    private async Task<ReadResult> CancelWhileReceivingAsync()
    {
        var read = _reader.ReadAsync();
        _wire.Readable();
        _wire.IsReceiving.Should().BeTrue();
        _reader.CancelPendingRead();
        return await read.InTime();
    }

    private async Task<ReadResult> ReadAsync(params byte[] bytes)
    {
        var read = _reader.ReadAsync();
        _wire.Arrive(bytes);
        return await read.InTime();
    }
}
