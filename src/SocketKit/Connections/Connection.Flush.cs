using System.Runtime.CompilerServices;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Flushing: who finds nobody at it takes all that is queued, gives it to the wire outside the gate, and goes on until nothing is left. In a batch of inline handler calls the thread is corked: what it sends waits for the end of the batch.
internal sealed partial class Connection
{
    /// <summary>In place of a thread: what is sent goes out at once.</summary>
    private const int Uncorkable = -1;

    /// <summary>The thread whose sends wait for the end of its batch, or 0.</summary>
    private int _corkedThread;

    /// <summary>A call of the batch takes long, so its sends do not wait any more.</summary>
    private bool _corkLifted;

    /// <summary>Somebody owns the wire's sending end.</summary>
    private bool _flushing;

    /// <summary>The batch on the wire: its length, and the wire's count when it began.</summary>
    private int _batchLength;
    private long _batchBegan;

    /// <summary>Made with the first send that the wire does not take at once: most connections never have one.</summary>
    private SendUnderWay? _sendUnderWay;
    private TaskCompletionSource? _room;

    /// <summary>
    /// What the wire has taken. It is asked in the middle of the accounts, so one of somebody else's that throws counts as if it had taken
    /// nothing of this batch.
    /// </summary>
    private long BytesTaken
    {
        get
        {
            try
            {
                return _transport.BytesSent;
            }
#pragma warning disable CA1031 // See above.
            catch (Exception)
#pragma warning restore CA1031
            {
                return _batchBegan;
            }
        }
    }

    /// <summary>Begins an inline handler call, perhaps the first of a batch: this thread's sends wait for the end of the batch, and user code runs in its own execution context.</summary>
    private void Cork(int me)
    {
        EnterSynchronization();
        if (_corkedThread != me)
        {
            using (_gate.Enter())
            {
                _corkedThread = me;
                _corkLifted = false;
            }

            ExecutionContext.Restore(_context);
        }
        else if (ExecutionContext.Capture() != _context)
        {
            // The last call left something behind.
            ExecutionContext.Restore(_context);
        }
    }

    /// <summary>Ends a batch of inline calls: lifts this thread's cork, with one flush.</summary>
    private void Uncork(int me)
    {
        if (_corkedThread != me)
        {
            return;
        }

        ExecutionContext.Restore(HandlerContext.Default);
        ReadOnlyMemory<byte> batch;
        using (_gate.Enter())
        {
            if (_corkedThread != me)
            {
                return;
            }

            _corkedThread = 0;
            _corkLifted = false;
            if (_flushing || _output.IsEmpty || _aborted)
            {
                return;
            }

            // With what waits taken out at once, TakeBatch needs the gate only when this is sent.
            _flushing = true;
            _output.TryTake(out batch);
            _batchLength = batch.Length;
            _batchBegan = BytesTaken;
        }

        Flush(batch);
    }

    /// <summary>Under the gate. The wire has not taken all that was sent.</summary>
    private bool IsSending => _flushing || !_output.IsEmpty;

    /// <summary>Under the gate. Sends of this thread wait for the end of its batch.</summary>
    private bool IsCorked(int me) => _corkedThread == me && !_corkLifted;

    /// <summary>A batch is under way that may take long: what it has gathered goes out now.</summary>
    /// <param name="lifts">Its further sends go out at once, too.</param>
    /// <param name="flushes">The caller becomes the flusher, if something waits.</param>
    /// <returns>True: something waits, and nobody else flushes.</returns>
    private bool TryLiftCork(bool lifts, bool flushes)
    {
        using (_gate.Enter())
        {
            if (_corkedThread == 0)
            {
                return false;
            }

            _corkLifted |= lifts;
            if (_flushing || _output.IsEmpty || _aborted)
            {
                return false;
            }

            _flushing = flushes;
            return true;
        }
    }

    /// <summary>Gives the wire all that is queued, until nothing is left. The caller owns <see cref="_flushing"/>.</summary>
    private void Flush()
    {
        if (TakeBatch(out var batch))
        {
            Flush(batch);
        }
    }

    private void Flush(ReadOnlyMemory<byte> batch)
    {
        do
        {
            try
            {
#pragma warning disable CA2012 // The awaiter is used once: here, or by the continuation.
                var send = (_output.PreservesBoundaries ? _transport.SendAsync(batch, _output.EndsTaken) : _transport.SendAsync(batch)).ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
                if (!send.IsCompleted)
                {
                    var underWay = _sendUnderWay ??= new SendUnderWay(this);
                    underWay.Awaiter = send;
                    send.UnsafeOnCompleted(underWay.OnSent);
                    return;
                }

                send.GetResult();
                CountSent(batch.Length);
            }
#pragma warning disable CA1031 // Whatever the wire throws ends this connection and no other.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                FlushFailed(exception);
                return;
            }
        }
        while (TakeBatch(out batch));
    }

    private void OnSent()
    {
        try
        {
            _sendUnderWay!.Awaiter.GetResult();
            CountSent(_batchLength);
        }
#pragma warning disable CA1031 // Whatever the wire throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            FlushFailed(exception);
            return;
        }

        Flush();
    }

    /// <summary>Takes the next batch; with nothing left it gives up the flusher's role, or sends the end of the stream if that is due.</summary>
    private bool TakeBatch(out ReadOnlyMemory<byte> batch)
    {
        TaskCompletionSource? room = null;
        Exception? failure = null;
        bool taken, finish = false, wake = false;
        using (_gate.Enter())
        {
            batch = default;
            taken = !_aborted && (_output.TryTake(out batch) || (TryAppendHeldPong(out failure) && _output.TryTake(out batch)));
            _batchLength = batch.Length;
            if (taken)
            {
                _batchBegan = BytesTaken;
            }
            else
            {
                finish = _finishDue && !_aborted;
                _finishDue = false;
                _flushing = finish;
                wake = _waitingFor == DispatchWait.Sent;
                _waitingFor = wake ? DispatchWait.None : _waitingFor;
            }

            if (_room is not null && !_aborted && (long)_output.Length + _batchLength <= ConnectionSettings.HighWaterMark / 2)
            {
                (room, _room) = (_room, null);
            }
        }

        room?.TrySetResult();
        if (wake)
        {
            _dispatchSignal!.Set(true);
        }

        if (_draining)
        {
            CheckIdle();
        }

        if (failure is not null)
        {
            Log.TrySendFailed(_settings.Logger, Id, this, failure);
        }

        if (finish)
        {
            _ = FinishAsync();
        }
        else if (!taken && _reason is not null)
        {
            TryRelease();
        }

        return taken;
    }

    private void FlushFailed(Exception exception)
    {
        if (SocketKitMetrics.CountsTraffic)
        {
            // What the wire has taken of it; no message of it counts.
            _settings.Metrics.Traffic.AddSent(Math.Clamp(BytesTaken - _batchBegan, 0, _batchLength), 0);
        }

        using (_gate.Enter())
        {
            _unsentBytes = Math.Max(_unsentBytes, Queued);
            _batchLength = 0;
            _flushing = false;
            _finishDue = false;
        }

        TransportFailed(exception);
        AbortWire();
        TryRelease();
    }

    private sealed class SendUnderWay(Connection connection)
    {
        public readonly Action OnSent = connection.OnSent;
        public ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter Awaiter;
    }
}
