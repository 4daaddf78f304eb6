using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Handler calls: the receive loop makes them, or from the moment when one does not complete synchronously, a drain.
internal sealed partial class Connection
{
    private HandlerQueue _handlers;

    /// <summary>
    /// Call number 0, under the same rules as a message: the connect hook of a client, then
    /// <see cref="ConnectionHandler.OnConnectedAsync"/>.
    /// </summary>
    private void BeginHandler()
    {
        var me = Environment.CurrentManagedThreadId;
        Cork(me);
        Settle(OpenHandlerAsync(), me, readsInput: false);
        Uncork(me);
    }

    private async ValueTask OpenHandlerAsync()
    {
        if (_owner.OnOpening is { } hook)
        {
            // Not for a connection that is over before it began.
            ThrowIfClosed();
            await hook(this, OpenToken).ConfigureAwait(true);
        }

        if (_life.IsClosing)
        {
            return;
        }

        _handler = _settings.Handler?.Invoke(this)
            ?? throw new InvalidOperationException("ConnectionOptions.HandlerFactory gave no handler");
        var openedAt = UtcTicks;
        using (_lock.Enter())
        {
            _opening = null;
            if (!_life.TryOpen())
            {
                return;
            }

            Volatile.Write(ref _openedAt, openedAt);
        }

        _owner.Opened(this);
        await _handler.OnConnectedAsync(this).ConfigureAwait(true);
    }

    /// <summary>Gives a message to the handler, now or by way of the mailbox. Belongs to the receive loop.</summary>
    /// <returns>False: the mailbox is full; nothing was consumed.</returns>
    private bool TryDeliver(in Frame frame, int me)
    {
        var message = _input.MessageOf(frame);
        if (_handlers.IsBusy || _life.IsDraining)
        {
            using (_lock.Enter())
            {
                // One that waits for room arrived before the mark.
                if (_life.IsClosing || (_life.IsDraining && _inputMark!.IsReached && !_handlers.IsHolding))
                {
                    _handlers.Discard();
                    _input.Consume(frame);
                    return true;
                }

                if (_handlers.IsBusy)
                {
                    if (!_handlers.TryAdd(message.Span))
                    {
                        return false;
                    }

                    _input.Consume(frame);
                    return true;
                }
            }
        }

        _input.Consume(frame);
        if (_life.IsClosing)
        {
            // The call that ended while this frame was parsed closed the connection: it is not told of another message.
            using (_lock.Enter())
            {
                _handlers.Discard();
            }

            return true;
        }

        Settle(CallInline(message, me), me, readsInput: true);
        return true;
    }

    /// <summary>Tells the handler, which is idle, that the input has ended. Belongs to the receive loop.</summary>
    /// <returns>True: the call may still be under way.</returns>
    private bool TryTellInputEnded()
    {
        if (_life.IsClosing || !_life.WasOpened)
        {
            return false;
        }

        var me = Environment.CurrentManagedThreadId;
        Settle(CallInputEnded(me), me, readsInput: false);
        Uncork(me);
        return _handlers.IsBusy;
    }

    private ValueTask CallInputEnded(int me)
    {
        Cork(me);
        _handlers.BeginCall();
        try
        {
            return _handler!.OnInputEndedAsync(this);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException(exception);
        }
    }

    /// <summary>Calls the handler, corked and in its own execution context. What it throws becomes the task's exception.</summary>
    private ValueTask Call(ReadOnlyMemory<byte> message, int me)
    {
        Cork(me);
        _handlers.BeginCall();
        try
        {
            return _handler!.OnMessageAsync(this, message);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException(exception);
        }
    }

    /// <summary>
    /// Ends an inline call: at once, or by handing the handler over to a drain, together with the buffer that it still reads.
    /// </summary>
    private void Settle(ValueTask call, int me, bool readsInput)
    {
        if (call.IsCompleted)
        {
            LeaveSynchronization();
            if (call != default)
            {
                EndCall(call);
            }

            return;
        }

        _handlers.HandOver();
        Uncork(me);
        _ = DrainAsync(call, readsInput ? _input.Detach() : null);
        LeaveSynchronization();
    }

    private void EnterSynchronization()
    {
        if (_synchronization is not null)
        {
            SynchronizationContext.SetSynchronizationContext(_synchronization);
        }
    }

    private void LeaveSynchronization()
    {
        if (_synchronization is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    private void EndCall(ValueTask call)
    {
        try
        {
            call.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            HandlerThrew(exception);
        }
    }

    private async Task DrainAsync(ValueTask call, byte[]? buffer)
    {
        try
        {
            await WorkOffAsync(call, buffer).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Nobody awaits this: whatever goes wrong here, a sink of the user's or a fault of ours, ends the connection.
            TransportFailed(exception);
            using (_lock.Enter())
            {
                _handlers.GiveBack();
            }

            LeaveSynchronization();
            CheckIdle();
        }
    }

    private async ValueTask WorkOffAsync(ValueTask call, byte[]? buffer)
    {
        while (true)
        {
            try
            {
                // Back to the handler's synchronization context, if the transport has one.
                await call.ConfigureAwait(true);
            }
            catch (Exception exception)
            {
                HandlerThrew(exception);
            }

            if (buffer is not null)
            {
                _input.Return(buffer);
            }

            if (!TryWorkOff(out call, out buffer))
            {
                return;
            }
        }
    }

    /// <summary>Works the mailbox off as long as the calls complete synchronously, corked like a batch, for one turn.</summary>
    /// <returns>True with a call that is under way and the buffer that it reads, or with the wait for the next turn; false when the drain
    /// is over.</returns>
    private bool TryWorkOff(out ValueTask pending, out byte[]? buffer)
    {
        var me = Environment.CurrentManagedThreadId;
        for (var calls = 0; ; calls++)
        {
            // The receive loop may fill the mailbox as fast as this works it off.
            if (calls >= ConnectionSettings.MessagesPerTurn)
            {
                Uncork(me);
                pending = YieldAsync();
                buffer = null;
                return true;
            }

            ArraySegment<byte> message;
            bool taken, wake;
            using (_lock.Enter())
            {
                taken = _handlers.TryTake(out message, out wake);
            }

            if (!taken)
            {
                Uncork(me);
                LeaveSynchronization();
                pending = default;
                buffer = null;
                if (wake)
                {
                    _handlers.Wake();
                }

                CheckIdle();
                return false;
            }

            if (wake)
            {
                _handlers.Wake();
            }

            pending = CallFromMailbox(message, me, first: calls == 0);
            buffer = message.Array;
            if (!pending.IsCompleted)
            {
                Uncork(me);
                return true;
            }

            EndCall(pending);
            _input.Return(buffer!);
        }
    }

    /// <summary>A turn of the others; what a transport of somebody else's throws is what its await throws.</summary>
    private ValueTask YieldAsync()
    {
        try
        {
            return _transport.YieldAsync();
        }
        catch (Exception exception)
        {
            return ValueTask.FromException(exception);
        }
    }

    /// <summary>The message that waited for room is not wanted any more.</summary>
    private void DropHeld()
    {
        if (_handlers.IsHolding)
        {
            using (_lock.Enter())
            {
                _handlers.Discard();
            }
        }

        _handlers.LetGo();
    }

    /// <summary>Waits until the drain has room or is done; at once when the connection dies. Belongs to the receive loop.</summary>
    private ValueTask<bool> WaitForDispatchAsync(HandlerQueue.WaitFor wait)
    {
        using (_lock.Enter())
        {
            return _handlers.WaitAsync(wait, _sends.IsSending, _life.IsClosing);
        }
    }

    private void HandlerThrew(Exception exception)
    {
        // Already closing, or the exception came from another connection: no fault of the handler's.
        var isNoFault = _life.IsClosing
            ? exception is ConnectionClosedException or OperationCanceledException
            : (_life.WasOpened || _life.IsInputEnded) && exception is ConnectionClosedException;
        if (isNoFault)
        {
            Log.HandlerGaveUp(_settings.Logger, Id, this, exception);
            return;
        }

        if (!_life.WasOpened && exception is RejectedException)
        {
            TryClose(CloseKind.Rejected, CloseParty.Peer, LogText.MessageOf(exception), exception, graceful: true);
            return;
        }

        _settings.Lines.HandlerFailed(this, HandlerName, exception);
        var detail = $"{exception.GetType().Name}: {LogText.MessageOf(exception)}";
        TryClose(CloseKind.HandlerFailed, CloseParty.Local, detail, exception, graceful: true);
    }
}
