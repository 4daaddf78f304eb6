using System.Diagnostics.CodeAnalysis;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// The end of a connection.
//
//   alive -> first cause of death -> graceful: flush, send the end of the stream, read and discard until the peer's end or the deadline
//                                \-> aborted: both operations of the transport are unblocked at once
//         -> both operations are at rest, the transport is disposed of: released, Closed completes
//         -> the last call of the handler is over: OnClosedAsync, ended
//
// A handler that never returns delays OnClosedAsync, and nothing else.
internal sealed partial class Connection
{
    private ConnectionLifecycle _life;
    private CancellationTokenSource? _opening;
    /// <summary>Null as long as nobody needs any of it.</summary>
    private ConnectionExtras? _extras;

    /// <summary>Null as long as nothing is known of the peer's end and nobody asked.</summary>
    private PeerEnd? _peerEnd;

    public CancellationToken ClosedToken
    {
        get
        {
            using (_lock.Enter())
            {
                return Extras.ClosedToken(_life.IsClosing);
            }
        }
    }

    public CancellationToken StoppingToken
    {
        get
        {
            using (_lock.Enter())
            {
                return Extras.StoppingToken(_life.IsClosing);
            }
        }
    }

    public CancellationToken InputEndedToken
    {
        get
        {
            var end = PeerEnd;
            if (_life.IsClosing)
            {
                end.Tell();
            }

            return end.Token;
        }
    }

    /// <summary>Made by the first who needs it.</summary>
    private PeerEnd PeerEnd => Volatile.Read(ref _peerEnd) ?? Interlocked.CompareExchange(ref _peerEnd, new PeerEnd(), null) ?? _peerEnd;

    public Task<CloseReason> Closed
    {
        get
        {
            using (_lock.Enter())
            {
                return Extras.Closed(_life.IsReleased ? _life.Reason : null);
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private ConnectionExtras Extras => _extras ??= new ConnectionExtras();

    internal CloseReason? Reason => _life.Reason;

    /// <summary>The peer sends no more: nothing can be asked of it.</summary>
    internal bool InputEnded => _life.IsInputEnded;

    private CancellationToken OpenToken
    {
        get
        {
            using (_lock.Enter())
            {
                return _opening?.Token ?? new CancellationToken(canceled: true);
            }
        }
    }

    public ValueTask CloseAsync(string? detail = null, CancellationToken cancellationToken = default)
    {
        TryClose(CloseKind.LocalClosed, CloseParty.Local, detail, null, graceful: true);
        using (_lock.Enter())
        {
            if (_sends.IsOver || _life.IsReleased)
            {
                return default;
            }

            var finished = Extras.Finished();
            return new ValueTask(cancellationToken.CanBeCanceled ? finished.WaitAsync(cancellationToken) : finished);
        }
    }

    public void Abort(string? detail = null)
    {
        if (!TryClose(CloseKind.Aborted, CloseParty.Local, detail, null, graceful: false))
        {
            AbortWire();
        }
    }

    /// <summary>The server begins to stop: whoever asked for it is told, before anything that is in flight is drained.</summary>
    internal void BeginStop()
    {
        CancellationTokenSource? stopping;
        using (_lock.Enter())
        {
            stopping = Extras.BeginStop();
        }

        // Users' registrations run on the pool, not on the stack of the stop.
        _ = stopping?.CancelAsync();
    }

    /// <summary>Ends the connection for the server's stop, when its time is up.</summary>
    internal void AbortForStop()
    {
        if (!TryClose(CloseKind.ServerStopping, CloseParty.Local, "aborted: the drain time was over", null, graceful: false))
        {
            AbortWire();
        }
    }

    /// <summary>Ends a connection that is not started: accepted one too many, or during a stop, or because its start failed.</summary>
    internal void Refuse(CloseKind kind, Exception? exception = null)
    {
        using (_lock.Enter())
        {
            _life.EndReceiveLoop();
        }

        TryClose(kind, CloseParty.Local, null, exception, graceful: false);
    }

    /// <summary>Sets the first cause of death and begins the end.</summary>
    /// <returns>False: another cause was first.</returns>
    private bool TryClose(CloseKind kind, CloseParty by, string? detail, Exception? exception, bool graceful)
    {
        CloseReason reason;
        CancellationTokenSource? opening, stopping = null, closed = null;
        bool flush = false, wake;
        using (_lock.Enter())
        {
            if (_life.IsClosing)
            {
                return false;
            }

            // First the deadline: the clock looks at it as soon as there is a reason, without the lock.
            _deadline = Now + TimeToClose(kind).Ticks;
            reason = new CloseReason(kind, _life.Phase, by, detail, exception);
            _life.Close(reason);
            Wake();
            (opening, _opening) = (_opening, null);
            if (_extras is { } extras)
            {
                (stopping, closed) = extras.Close();
            }

            wake = _handlers.Close();
            if (graceful)
            {
                flush = _sends.EndWhenEmpty();
            }
        }

        // Users' registrations run on the pool, not on the stack of whoever closes.
        _ = opening?.CancelAsync();
        _ = stopping?.CancelAsync();
        _ = closed?.CancelAsync();
        // Who makes it looks for the reason afterwards: one of the two tells.
        Interlocked.MemoryBarrier();
        _peerEnd?.Tell();
        FailRequests(reason);
        WatchClock();
        if (flush)
        {
            Flush();
        }
        else if (!graceful)
        {
            AbortWire();
        }

        if (wake)
        {
            _handlers.Wake();
        }

        TryRelease();
        return true;
    }

    /// <summary>
    /// Behind the end of the input the close waits for our own end alone: with TLS for its last words, which stand behind what a slow peer
    /// has not taken out of the kernel yet.
    /// </summary>
    private TimeSpan TimeToClose(CloseKind kind)
    {
        var (usual, slow) = (_settings.CloseTimeout, _settings.SlowConsumerTimeout);
        return _life.IsInputEnded && slow > usual && kind is CloseKind.PeerClosed or CloseKind.Truncated ? slow : usual;
    }

    /// <summary>Unblocks both operations of the transport; what is queued is lost, and counted.</summary>
    private void AbortWire()
    {
        TaskCompletionSource? room, finished;
        CloseReason reason;
        using (_lock.Enter())
        {
            if (!_life.TryAbort())
            {
                return;
            }

            room = _sends.Lose();
            finished = _extras?.Finish();
            reason = _life.Reason! with { UnsentBytes = _sends.UnsentBytes, DiscardedMessages = _handlers.Discarded };
        }

        try
        {
            _transport.Abort();
        }
        catch (Exception exception)
        {
            // A transport of somebody else's that throws where it must not; whoever waits is told all the same.
            Log.FinishFailed(_settings.Logger, Id, this, exception);
        }

        finished?.TrySetResult();
        if (room?.TrySetException(new ConnectionClosedException(reason)) == true)
        {
            // A send that nobody awaits must not surface later as an unobserved exception.
            _ = room.Task.Exception;
        }

        TryRelease();
    }

    /// <summary>Sends the end of the stream. Owns the sending end.</summary>
    private async Task FinishAsync()
    {
        try
        {
            await _transport.CompleteOutputAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The connection is closing; what goes wrong now changes nothing but the log.
            Log.FinishFailed(_settings.Logger, Id, this, exception);
        }

        TaskCompletionSource? finished;
        using (_lock.Enter())
        {
            _sends.Ended();
            finished = _extras?.Finish();
        }

        finished?.TrySetResult();
        TryRelease();
    }

    /// <summary>The receive loop asks for the transport.</summary>
    private bool BeginReceive()
    {
        using (_lock.Enter())
        {
            if (!_life.TryBeginReceive())
            {
                return false;
            }
        }

        if (_life.IsDraining)
        {
            _inputMark!.Look(_transport);
            CheckIdle();
        }

        return true;
    }

    private void EndReceive()
    {
        using (_lock.Enter())
        {
            _life.EndReceive();
            Wake();
        }
    }

    /// <summary>
    /// The same, and corks the batch that was received, which saves its first call from asking for the lock. Not while a drain has the
    /// handler: the cork is its.
    /// </summary>
    private void EndReceiveCorked(int me)
    {
        using (_lock.Enter())
        {
            _life.EndReceive();
            Wake();
            if (!_handlers.IsBusy)
            {
                _sends.Cork(me);
            }
        }
    }

    private void TransportFailed(Exception exception)
    {
        var reset = WireErrors.IsReset(exception);
        var (kind, by) = reset ? (CloseKind.PeerReset, CloseParty.Peer) : (CloseKind.TransportFailed, CloseParty.Network);
        TryClose(kind, by, null, exception, graceful: false);
    }

    /// <summary>Under the lock, where the answer must still hold for what follows.</summary>
    private void ThrowIfClosed()
    {
        if (_life.IsClosing)
        {
            ThrowClosed();
        }
    }

    [DoesNotReturn]
    private void ThrowClosed() => throw ClosedException();

    private ConnectionClosedException ClosedException() => new(_life.Reason!);
}
