using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// After the end: when nobody is inside of the transport it is disposed of and Closed completes; when the handler's last call is over, too,
// OnClosedAsync is called. Who brings about the last of the conditions does the rest.
internal sealed partial class Connection
{
    /// <summary>Completes after the handler's last call and its release, or when the handler itself awaits the server's stop.</summary>
    internal Task Ended
    {
        get
        {
            using (_lock.Enter())
            {
                return Extras.Ended(_life.IsEnded);
            }
        }
    }

    /// <summary>The handler awaits the server's stop: the stop must not wait for it. The connection still finishes by itself.</summary>
    internal void LeaveOutOfStop() => End();

    private void ReceiveEnded()
    {
        _input.Clear();
        _input.Release();
        using (_lock.Enter())
        {
            _life.EndReceiveLoop();
        }

        TryRelease();
        CheckIdle();
    }

    private void TryRelease()
    {
        using (_lock.Enter())
        {
            if (!_life.TryBeginRelease(_sends.IsFlushing))
            {
                return;
            }
        }

        _ = ReleaseAsync();
    }

    private async Task ReleaseAsync()
    {
        try
        {
            // Whoever ends a connection may be a user's thread, and what follows runs a client's reconnect policy.
            await NextTurn.Of(_transport);
            Volatile.Read(ref _peerEnd)?.Forget();
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The connection is gone; what goes wrong now changes nothing but the log.
            Log.FinishFailed(_settings.Logger, Id, this, exception);
        }

        CloseReason reason;
        using (_lock.Enter())
        {
            _sends.Release();
            reason = _life.Reason! with { UnsentBytes = _sends.UnsentBytes, DiscardedMessages = _handlers.Discarded };
            if (WaitedFor is { } waitedFor)
            {
                reason = reason with { Detail = reason.Detail is null ? waitedFor : $"{reason.Detail}; {waitedFor}" };
            }

            _life.Complete(reason);
        }

        _settings.Metrics.Closed(reason.Kind, TimeSpan.FromTicks(Now - _began));
        _owner.Released(this, reason);
        TaskCompletionSource<CloseReason>? closed;
        TaskCompletionSource? finished;
        using (_lock.Enter())
        {
            _life.Release();
            closed = _extras?.Release();
            finished = _extras?.Finish();
        }

        finished?.TrySetResult();
        closed?.TrySetResult(reason);
        _settings.Lines.Closed(this, reason);
        _owner.Gone(this, reason);
        CheckIdle();
    }

    /// <summary>Does what waits for the handler to be idle: the end of a drain, and the handler's last call.</summary>
    private void CheckIdle()
    {
        bool close = false, call = false, end = false;
        using (_lock.Enter())
        {
            if (_handlers.IsBusy)
            {
                return;
            }

            if (!_life.IsClosing)
            {
                close = _life.IsDraining && _life.IsReceiving && _inputMark!.IsReached && _handlers.Count == 0
                    && _requests is null or { Waiting: 0 } && AreRepliesSent;
            }
            else if (_life.TryBeginLastCall())
            {
                call = _life.WasOpened || (_handler is not null && _settings.ReleaseHandler is not null);
                end = !call;
            }
        }

        if (close)
        {
            TryClose(CloseKind.ServerStopping, CloseParty.Local, null, null, graceful: true);
        }
        else if (call)
        {
            _ = CallLastAsync();
        }
        else if (end)
        {
            End();
        }
    }

    private async Task CallLastAsync()
    {
        // Whoever released the connection may be a user's thread, in the middle of a call of ours.
        await NextTurn.Of(_transport);
        ExecutionContext.Restore(_context);
        EnterSynchronization();
        var handler = _handler!;
        if (_life.WasOpened)
        {
            try
            {
                await handler.OnClosedAsync(this, _life.Reason!).ConfigureAwait(true);
            }
            catch (Exception exception)
            {
                // A handler is user code; the connection is gone already.
                _settings.Lines.HandlerFailed(this, handler.GetType().Name, exception);
            }
        }

        if (_settings.ReleaseHandler is { } release)
        {
            try
            {
                await release(this, handler).ConfigureAwait(true);
            }
            catch (Exception exception)
            {
                _settings.Lines.HandlerFailed(this, nameof(ConnectionOptions.ReleaseHandler), exception);
            }
        }

        End();
    }

    private void End()
    {
        TaskCompletionSource? ended;
        using (_lock.Enter())
        {
            _life.End();
            ended = _extras?.End();
        }

        ended?.TrySetResult();
    }
}
