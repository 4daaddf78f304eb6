using System.Buffers;
using System.Runtime.CompilerServices;

namespace SocketKit.Transports.Tls;

/// <summary>
/// What the TLS engine writes, on its way to the wire. There are two writers: whoever sends, and the read, in which the engine answers by
/// itself what the peer asks for (a certificate after the handshake, say).
/// The wire takes one send at a time, so what comes meanwhile is copied, in the order of its coming, and leaves with the send that
/// follows. A batch of records is gathered and leaves in one piece. Thread-safe.
/// </summary>
/// <param name="send">Sends on the wire.</param>
internal sealed class TlsOutput(Func<ReadOnlyMemory<byte>, ValueTask> send)
{
    private readonly Lock _lock = new();
    private byte[]? _kept;
    private int _keptLength;
    private int _capacity;
    private bool _gathering;
    private bool _sending;

    /// <summary>Somebody waits until what is kept is sent.</summary>
    private TaskCompletionSource? _keptSent;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        lock (_lock)
        {
            if (_sending)
            {
                Keep(bytes.Span);
                return WhenKeptIsSent();
            }

            if (_gathering)
            {
                Keep(bytes.Span);
                return default;
            }

            _sending = true;
        }

        return SendAsync(bytes, rented: null);
    }

    /// <summary>From now on what is written is kept, to be sent in one piece.</summary>
    /// <param name="capacity">How much is going to be written, in bytes; more is kept all the same, at the price of a copy.</param>
    public void BeginGathering(int capacity)
    {
        lock (_lock)
        {
            _gathering = true;
            _capacity = capacity;
        }
    }

    /// <summary>Sends what was kept.</summary>
    public ValueTask SendGatheredAsync() => SendKeptAsync(ends: false);

    /// <summary>What the other writer has added since is sent, too; in one step, so that nothing written later overtakes it.</summary>
    public ValueTask EndGatheringAsync() => SendKeptAsync(ends: true);

    private ValueTask SendKeptAsync(bool ends)
    {
        byte[] bytes;
        int length;
        lock (_lock)
        {
            _gathering &= !ends;
            if (_keptLength == 0)
            {
                return default;
            }

            if (_sending)
            {
                return WhenKeptIsSent();
            }

            _sending = true;
            (bytes, length, _) = TakeKept();
        }

        return SendAsync(bytes.AsMemory(0, length), bytes);
    }

    /// <summary>After a failure: the wire is of no use any more.</summary>
    public void StopGathering()
    {
        lock (_lock)
        {
            _gathering = false;
        }
    }

    private ValueTask SendAsync(ReadOnlyMemory<byte> bytes, byte[]? rented)
    {
        ValueTask sent;
        try
        {
            sent = send(bytes);
        }
        catch (Exception exception)
        {
            sent = ValueTask.FromException(exception);
        }

        return sent.IsCompletedSuccessfully && TryEnd(rented) ? sent : GoOnAsync(sent, rented);
    }

    /// <returns>False: somebody waits for more to be sent.</returns>
    private bool TryEnd(byte[]? rented)
    {
        lock (_lock)
        {
            if (_keptSent is not null)
            {
                return false;
            }

            _sending = false;
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask GoOnAsync(ValueTask sent, byte[]? rented)
    {
        try
        {
            await sent.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The bytes may still be the wire's, so the array is not given back.
            Fail(exception);
            throw;
        }

        while (!TryEnd(rented))
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }

            int length;
            TaskCompletionSource? waiting;
            lock (_lock)
            {
                (rented, length, waiting) = TakeKept();
            }

            try
            {
                await send(rented.AsMemory(0, length)).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                waiting!.TrySetException(exception);
                Fail(exception);
                return;
            }

            waiting!.TrySetResult();
        }
    }

    private void Fail(Exception exception)
    {
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            _sending = false;
            (_, _, waiting) = TakeKept();
        }

        waiting?.TrySetException(exception);
    }

    /// <summary>Under the lock.</summary>
    private ValueTask WhenKeptIsSent() =>
        new((_keptSent ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task);

    /// <summary>Under the lock.</summary>
    private (byte[] Bytes, int Length, TaskCompletionSource? Waiting) TakeKept()
    {
        var kept = (_kept ?? [], _keptLength, _keptSent);
        (_kept, _keptLength, _keptSent) = (null, 0, null);
        return kept;
    }

    /// <summary>Under the lock.</summary>
    private void Keep(ReadOnlySpan<byte> bytes)
    {
        var needed = _keptLength + bytes.Length;
        var kept = _kept ??= ArrayPool<byte>.Shared.Rent(Math.Max(_gathering ? _capacity : 0, needed));
        if (needed > kept.Length)
        {
            _kept = ArrayPool<byte>.Shared.Rent(needed);
            kept.AsSpan(0, _keptLength).CopyTo(_kept);
            ArrayPool<byte>.Shared.Return(kept);
        }

        bytes.CopyTo(_kept.AsSpan(_keptLength));
        _keptLength = needed;
    }
}
