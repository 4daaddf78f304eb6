using System.Runtime.CompilerServices;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Flushing: the flusher takes all that is queued, gives it to the transport outside of the lock, and goes on until nothing is left. In a
// batch of inline handler calls the thread is corked: what it sends waits for the end of the batch.
internal sealed partial class Connection
{
    /// <summary>Made with the first send that the transport does not take at once: most connections never have one.</summary>
    private SendUnderWay? _sendUnderWay;

    /// <summary>
    /// Begins an inline handler call, perhaps the first of a batch: this thread's sends wait for the end of the batch, and user code runs
    /// in its own execution context.
    /// </summary>
    private void Cork(int me)
    {
        EnterSynchronization();
        if (!_sends.IsCorkedBy(me))
        {
            using (_lock.Enter())
            {
                _sends.Cork(me);
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
        if (!_sends.IsCorkedBy(me))
        {
            return;
        }

        ExecutionContext.Restore(HandlerContext.Default);
        ReadOnlyMemory<byte> batch;
        bool flush;
        using (_lock.Enter())
        {
            flush = _sends.TryUncork(me, out batch);
        }

        if (flush)
        {
            Flush(batch);
        }
    }

    private bool TryLiftCork(bool lifts, bool flushes)
    {
        using (_lock.Enter())
        {
            return _sends.TryLiftCork(lifts, flushes);
        }
    }

    /// <summary>Gives the transport all that is queued, until nothing is left. The caller has the flusher's role.</summary>
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
                var sent = _sends.PreservesBoundaries ? _transport.SendAsync(batch, _sends.EndsTaken) : _transport.SendAsync(batch);
                var send = sent.ConfigureAwait(false).GetAwaiter();
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
            catch (Exception exception)
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
            CountSent(_sends.BatchLength);
        }
        catch (Exception exception)
        {
            FlushFailed(exception);
            return;
        }

        Flush();
    }

    /// <summary>
    /// Takes the next batch; with nothing left it gives up the flusher's role, or sends the end of the stream if that is due.
    /// </summary>
    private bool TakeBatch(out ReadOnlyMemory<byte> batch)
    {
        TaskCompletionSource? room;
        Exception? failure = null;
        bool taken, finish = false, wake = false;
        using (_lock.Enter())
        {
            taken = _sends.TryTake(out batch) || (TryAppendHeldPong(out failure) && _sends.TryTake(out batch));
            if (!taken)
            {
                finish = _sends.EndFlush();
                wake = _handlers.AllSent();
            }

            room = _sends.TakeRoom();
        }

        room?.TrySetResult();
        if (wake)
        {
            _handlers.Wake();
        }

        if (_life.IsDraining)
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
        else if (!taken && _life.IsClosing)
        {
            TryRelease();
        }

        return taken;
    }

    private void FlushFailed(Exception exception)
    {
        if (SocketKitMetrics.CountsTraffic)
        {
            // What the transport has taken of it; no message of it counts.
            _settings.Metrics.Traffic.AddSent(_sends.TakenOfBatch, 0);
        }

        using (_lock.Enter())
        {
            _sends.FlushFailed();
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
