using System.Runtime.CompilerServices;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Sending. A message is framed into the output under the gate, in the order of the calls. Who finds nobody flushing becomes the flusher; others only add, and wait when too much is queued.
internal sealed partial class Connection
{
    private readonly SendBuffer _output = new();

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
    private long Queued => _output.Length + (_flushing ? Math.Max(0, _batchLength - (BytesTaken - _batchBegan)) : 0);

    /// <summary>Too little is queued for anybody to wait. Read without the gate: an old value only means one look more, or one wait less.</summary>
    private bool HasRoom => (long)_output.Length + Volatile.Read(ref _batchLength) <= ConnectionSettings.HighWaterMark;

    /// <summary>Under the gate. More is queued than a sender may leave behind. What this thread's own batch has gathered does not count: it goes out when the batch ends, or grows too long.</summary>
    private bool IsFull => Queued > ConnectionSettings.HighWaterMark && (_flushing || !IsCorked(Environment.CurrentManagedThreadId));

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        var me = Environment.CurrentManagedThreadId;
        Appended appended;
        using (_gate.Enter(me))
        {
            appended = Append(message.Span, me);
        }

        return appended == Appended.Queued && HasRoom ? default : FinishSend(appended, cancellationToken);
    }

    // Apart, so that the usual way stays small.
    private ValueTask FinishSend(Appended appended, CancellationToken cancellationToken)
    {
        if (!Conclude(appended))
        {
            ThrowClosed();
        }

        return WaitForRoom(cancellationToken);
    }

    public bool TrySend(ReadOnlyMemory<byte> message)
    {
        Exception? failure = null;
        var appended = Appended.Queued;
        var me = Environment.CurrentManagedThreadId;
        using (_gate.Enter(me))
        {
            if (_reason is not null || IsFull)
            {
                return false;
            }

            try
            {
                appended = Append(message.Span, me);
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
        using (_gate.Enter())
        {
            wasFull = IsFull;
            if (_reason is not null || !_opened)
            {
                return false;
            }

            if (_output.CanTake(framed.Length))
            {
                var mark = _output.Mark();
                framed.CopyTo(_output.GetSpan(framed.Length));
                _output.Advance(framed.Length);
                appended = Seal(mark, Environment.CurrentManagedThreadId);
            }
            else
            {
                appended = Appended.Overflow;
            }
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
        if (HasRoom)
        {
            return null;
        }

        using (_gate.Enter())
        {
            if (!IsFull || _reason is not null)
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
    /// <param name="message">The message.</param>
    /// <param name="me">The thread that sends, whose cork holds; or <see cref="Uncorkable"/>.</param>
    private Appended Append(ReadOnlySpan<byte> message, int me)
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

        return Seal(mark, me);
    }

    /// <summary>Accepts what was written since the mark, or cuts it back when too much is queued; under the gate.</summary>
    private Appended Seal(int mark, int me)
    {
        if ((long)_output.Length + _batchLength > _settings.MaxQueuedBytes && Queued is var queued && queued > _settings.MaxQueuedBytes && queued > _output.Length - mark)
        {
            _output.CutBack(mark);
            return Appended.Overflow;
        }

        _output.Seal();
        _beats?.Spoke();
        Wake();
        if (_flushing || (IsCorked(me) && _output.Length <= _settings.CorkLimit))
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
                CloseOverflowed();
                return false;
            default:
                return true;
        }
    }

    // Apart, so that the methods of the usual way stay small.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CloseOverflowed() =>
        TryClose(CloseKind.SlowConsumer, CloseParty.Peer, $"more than {_settings.MaxQueuedBytes} bytes would be queued (ConnectionOptions.MaxQueuedBytes)", null, graceful: false);
}
