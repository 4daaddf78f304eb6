using System.Runtime.CompilerServices;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Sending. A message is framed into the output under the gate, in the order of the calls. Who finds nobody flushing becomes the flusher: it takes all that is there, gives it to the wire outside the gate, and goes
// on until nothing is left; others only add. In a batch of inline handler calls the thread is corked: what it sends waits for the end of the batch.
internal sealed partial class Connection
{
    private readonly SendBuffer _output;

    /// <summary>The thread whose sends wait for the end of its batch, or 0.</summary>
    private int _corkedThread;

    /// <summary>Somebody owns the wire's sending end.</summary>
    private bool _flushing;

    /// <summary>The batch on the wire: its length, and the wire's count when it began.</summary>
    private int _batchLength;
    private long _batchBegan;

    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _sendUnderWay;
    private Action? _onSent;
    private TaskCompletionSource? _room;

    /// <summary>Something was sent since the last tick of the clock.</summary>
    private bool _spoke;

    private enum Appended
    {
        /// <summary>It goes out with the batch, or with the flush under way.</summary>
        Queued,

        /// <summary>The caller has become the flusher.</summary>
        Flush,

        /// <summary>Too much is queued already: nothing was added, and the connection must close.</summary>
        Overflow,
    }

    /// <summary>Accepted and not yet taken by the wire.</summary>
    private long Queued => _output.Length + (_flushing ? Math.Max(0, _batchLength - (_transport.BytesSent - _batchBegan)) : 0);

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        Appended appended;
        lock (_gate)
        {
            appended = Append(message.Span, corkable: true);
        }

        if (!Conclude(appended))
        {
            throw ClosedException();
        }

        return WaitForRoom(cancellationToken);
    }

    public bool TrySend(ReadOnlyMemory<byte> message)
    {
        Exception? failure = null;
        var appended = Appended.Queued;
        lock (_gate)
        {
            if (_reason is not null || Queued > ConnectionSettings.HighWaterMark)
            {
                return false;
            }

            try
            {
                appended = Append(message.Span, corkable: true);
            }
#pragma warning disable CA1031 // A framer is user code, and this method never throws: the message is not sent, and the log says why.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = exception;
            }
        }

        if (failure is not null)
        {
            Log.TrySendFailed(_settings.Logger, Id, this, failure);
            return false;
        }

        return Conclude(appended);
    }

    /// <summary>Queues a message that is framed already, for a broadcast. Never throws.</summary>
    /// <param name="framed">The frame.</param>
    /// <param name="wasFull">True when the queue was above the high-water mark before.</param>
    internal bool TryQueueFramed(ReadOnlySpan<byte> framed, out bool wasFull)
    {
        Appended appended;
        lock (_gate)
        {
            wasFull = Queued > ConnectionSettings.HighWaterMark;
            if (_reason is not null || !_opened)
            {
                return false;
            }

            var mark = _output.Mark();
            framed.CopyTo(_output.GetSpan(framed.Length));
            _output.Advance(framed.Length);
            appended = Seal(mark, corkable: true);
        }

        return Conclude(appended);
    }

    private ValueTask WaitForRoom(CancellationToken cancellationToken)
    {
        if (Room() is not { } room)
        {
            return default;
        }

        return new ValueTask(cancellationToken.CanBeCanceled ? Observed(room.WaitAsync(cancellationToken)) : room);
    }

    /// <summary>Completes when the queue is well below the high-water mark again; fails when the connection dies first. Null: it is below the mark now, or the connection is dead.</summary>
    internal Task? Room()
    {
        // Read without the lock: an old value only means one look more, or one wait less.
        if (_output.Length + Volatile.Read(ref _batchLength) <= ConnectionSettings.HighWaterMark)
        {
            return null;
        }

        lock (_gate)
        {
            if (Queued <= ConnectionSettings.HighWaterMark || _reason is not null)
            {
                return null;
            }

            return (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    // A send that nobody awaits must not surface later as an unobserved exception.
    internal static Task Observed(Task task)
    {
        _ = task.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return task;
    }

    /// <summary>Frames a message into the output; under the gate. A framer that throws leaves nothing behind.</summary>
    private Appended Append(ReadOnlySpan<byte> message, bool corkable)
    {
        ThrowIfClosed();
        var mark = _output.Mark();
        try
        {
            _settings.Framer.Write(message, _output);
        }
        catch
        {
            _output.CutBack(mark);
            throw;
        }

        return Seal(mark, corkable);
    }

    /// <summary>Accepts what was written since the mark, or cuts it back when too much is queued; under the gate.</summary>
    private Appended Seal(int mark, bool corkable)
    {
        if (_output.Length + _batchLength > _settings.SendLimit && Queued is var queued && queued > _settings.SendLimit && queued > _output.Length - mark)
        {
            _output.CutBack(mark);
            return Appended.Overflow;
        }

        _output.Seal(mark);
        _spoke = true;
        if (_flushing || (corkable && _corkedThread == Environment.CurrentManagedThreadId && _output.Length <= ConnectionSettings.HighWaterMark))
        {
            return Appended.Queued;
        }

        _flushing = true;
        return Appended.Flush;
    }

    /// <summary>Does outside the gate what appending left to do.</summary>
    /// <returns>False: nothing was sent, and the connection is closing.</returns>
    private bool Conclude(Appended appended)
    {
        switch (appended)
        {
            case Appended.Flush:
                Flush();
                return true;
            case Appended.Overflow:
                TryClose(CloseKind.SlowConsumer, CloseParty.Peer, $"more than {_settings.SendLimit} bytes would be queued (ConnectionOptions.SendLimit)", null, graceful: false);
                return false;
            default:
                return true;
        }
    }

    /// <summary>Begins an inline handler call, perhaps the first of a batch: this thread's sends wait for the end of the batch, and user code runs in its own execution context.</summary>
    private void Cork()
    {
        EnterSynchronization();
        var me = Environment.CurrentManagedThreadId;
        if (_corkedThread != me)
        {
            lock (_gate)
            {
                _corkedThread = me;
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
    private void Uncork()
    {
        if (_corkedThread != Environment.CurrentManagedThreadId)
        {
            return;
        }

        ExecutionContext.Restore(HandlerContext.Default);
        lock (_gate)
        {
            if (_corkedThread != Environment.CurrentManagedThreadId)
            {
                return;
            }

            _corkedThread = 0;
            if (_flushing || _output.IsEmpty || _aborted)
            {
                return;
            }

            _flushing = true;
        }

        Flush();
    }

    /// <summary>Gives the wire all that is queued, until nothing is left. The caller owns <see cref="_flushing"/>.</summary>
    private void Flush()
    {
        while (TakeBatch(out var batch))
        {
            try
            {
#pragma warning disable CA2012 // The awaiter is used once: here, or by the continuation.
                var send = _transport.SendAsync(batch).ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
                if (!send.IsCompleted)
                {
                    _sendUnderWay = send;
                    send.UnsafeOnCompleted(_onSent ??= OnSent);
                    return;
                }

                send.GetResult();
            }
#pragma warning disable CA1031 // Whatever the wire throws ends this connection and no other.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                FlushFailed(exception);
                return;
            }
        }
    }

    private void OnSent()
    {
        try
        {
            var send = _sendUnderWay;
            _sendUnderWay = default;
            send.GetResult();
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
        bool taken, finish = false;
        lock (_gate)
        {
            batch = default;
            taken = !_aborted && (_output.TryTake(out batch) || (TryAppendHeldPong() && _output.TryTake(out batch)));
            _batchLength = batch.Length;
            if (taken)
            {
                _batchBegan = _transport.BytesSent;
            }
            else
            {
                finish = _finishDue && !_aborted;
                _finishDue = false;
                _flushing = finish;
            }

            if (_room is not null && !_aborted && _output.Length + _batchLength <= ConnectionSettings.HighWaterMark / 2)
            {
                (room, _room) = (_room, null);
            }
        }

        room?.TrySetResult();
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
        lock (_gate)
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
}
