using System.Runtime.CompilerServices;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Sending: a message is framed into the queue under the lock, in the order of the calls. Who finds nobody flushing becomes the flusher;
// others only add, and wait when too much is queued.
internal sealed partial class Connection
{
    private SendQueue _sends;

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        var me = Environment.CurrentManagedThreadId;
        SendQueue.Appended appended;
        using (_lock.Enter(me))
        {
            appended = Append(message.Span, me);
        }

        return appended == SendQueue.Appended.Queued && _sends.HasRoom ? default : FinishSend(appended, cancellationToken);
    }

    // Apart, so that the usual way stays small.
    private ValueTask FinishSend(SendQueue.Appended appended, CancellationToken cancellationToken)
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
        var appended = SendQueue.Appended.Queued;
        var me = Environment.CurrentManagedThreadId;
        using (_lock.Enter(me))
        {
            if (_life.IsClosing || _sends.IsFull)
            {
                return false;
            }

            try
            {
                appended = Append(message.Span, me);
            }
            catch (Exception exception)
            {
                // A framer is user code, and this method never throws: the message is not sent, and the log says why.
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
        SendQueue.Appended appended;
        using (_lock.Enter())
        {
            wasFull = _sends.IsFull;
            if (_life.IsClosing || !_life.WasOpened)
            {
                return false;
            }

            appended = NoteAppended(_sends.AppendFramed(framed, Environment.CurrentManagedThreadId));
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

    /// <summary>
    /// Completes when the queue is well below the high-water mark again; fails when the connection dies first. Null: it is below the mark
    /// now, or the connection is dead.
    /// </summary>
    internal Task? Room()
    {
        if (_sends.HasRoom)
        {
            return null;
        }

        using (_lock.Enter())
        {
            return !_life.IsClosing ? _sends.WaitForRoom() : null;
        }
    }

    // A send that nobody awaits must not surface later as an unobserved exception.
    internal static Task Observed(Task task)
    {
        _ = task.ContinueWith(
            static done => _ = done.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return task;
    }

    /// <summary>Frames a message into the queue; under the lock. A framer that throws leaves nothing behind.</summary>
    /// <param name="message">The message.</param>
    /// <param name="me">The thread that sends, whose cork holds; or <see cref="SendQueue.Uncorkable"/>.</param>
    private SendQueue.Appended Append(ReadOnlySpan<byte> message, int me)
    {
        ThrowIfClosed();
        return NoteAppended(_sends.Append(message, me));
    }

    /// <summary>Under the lock: the clock has something to see.</summary>
    private SendQueue.Appended NoteAppended(SendQueue.Appended appended)
    {
        if (appended != SendQueue.Appended.Overflow)
        {
            _beats?.Spoke();
            Wake();
        }

        return appended;
    }

    /// <summary>Does outside the lock what appending left to do.</summary>
    /// <returns>False: nothing was sent, and the connection is closing.</returns>
    private bool Conclude(SendQueue.Appended appended)
    {
        switch (appended)
        {
            case SendQueue.Appended.Flush:
                Flush();
                return true;
            case SendQueue.Appended.Overflow:
                CloseOverflowed();
                return false;
            default:
                return true;
        }
    }

    // Apart, so that the methods of the usual way stay small.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CloseOverflowed()
    {
        var detail = $"more than {_settings.MaxQueuedBytes} bytes would be queued (ConnectionOptions.MaxQueuedBytes)";
        TryClose(CloseKind.SlowConsumer, CloseParty.Peer, detail, null, graceful: false);
    }
}
