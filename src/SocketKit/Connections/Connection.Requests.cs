using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Requests of this side, and the peer's responses.
internal sealed partial class Connection
{
    /// <summary>Made by the first request; under the lock.</summary>
    private RequestTable? _requests;

    public ValueTask<Message> RequestAsync(
        ReadOnlyMemory<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default) =>
        SocketKitActivities.AreWanted
            ? RequestInSpanAsync(request, options, cancellationToken)
            : RequestOnceAsync(request, options, cancellationToken);

    // Apart, so that the usual way has no closure.
    private ValueTask<Message> RequestInSpanAsync(
        ReadOnlyMemory<byte> request, RequestOptions options, CancellationToken cancellationToken) =>
        new(ObservedCalls.RequestAsync(
            this, request.Length, options, _settings, () => RequestOnceAsync(request, options, cancellationToken)));

    private ValueTask<Message> RequestOnceAsync(ReadOnlyMemory<byte> request, RequestOptions options, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Message>(cancellationToken);
        }

        if (options.CorrelationId is not null && _settings.ReadCorrelationId is null)
        {
            throw new RequestRefusedException(
                "A correlation id needs ConnectionOptions.ReadCorrelationId, which finds it in the response; without it, leave the id out");
        }

        PendingRequest pending;
        SendQueue.Appended appended;
        using (_lock.Enter())
        {
            ThrowIfClosed();
            if (_life.IsInputEnded)
            {
                const string detail = "the peer sends no more, so no response can come";
                throw new ConnectionClosedException(new CloseReason(CloseKind.PeerClosed, _life.Phase, CloseParty.Peer, detail, null));
            }

            // In one step: the order of the pending is the order on the transport.
            var requests = _requests ??= new RequestTable(_settings.MaxPendingRequests, _settings.RequestTimeout);
            pending = requests.Add(options, Now);
            try
            {
                // Never corked: the handler that awaits the response would wait for its own batch.
                appended = Append(request.Span, SendQueue.Uncorkable);
            }
            catch
            {
                requests.TakeBack(pending);
                throw;
            }

            if (appended == SendQueue.Appended.Overflow)
            {
                requests.TakeBack(pending);
            }
        }

        if (!Conclude(appended))
        {
            ThrowClosed();
        }

        return new ValueTask<Message>(cancellationToken.CanBeCanceled ? WaitAsync(pending, cancellationToken) : pending.Task);
    }

    private async Task<Message> WaitAsync(PendingRequest pending, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(_ =>
        {
            using (_lock.Enter())
            {
                if (_requests?.Abandon(pending, Now) != true)
                {
                    return;
                }
            }

            pending.TrySetCanceled(cancellationToken);
        }, null);
        return await pending.Task.ConfigureAwait(false);
    }

    private bool TakeResponse(ReadOnlySpan<byte> message)
    {
        try
        {
            return TryRespond(message);
        }
        catch (Exception exception)
        {
            _settings.Lines.HandlerFailed(this, nameof(ConnectionOptions.ReadCorrelationId), exception);
            var detail = $"ConnectionOptions.ReadCorrelationId threw {exception.GetType().Name}: {LogText.MessageOf(exception)}";
            TryClose(CloseKind.HandlerFailed, CloseParty.Local, detail, exception, graceful: true);
            return true;
        }
    }

    /// <summary>Gives a message to the request that it answers. Belongs to the receive loop.</summary>
    /// <returns>False: it answers none.</returns>
    private bool TryRespond(ReadOnlySpan<byte> message)
    {
        var match = ResponseMatch.Oldest;
        if (_settings.ReadCorrelationId is { } read)
        {
            match = read(message);
            if (!match.IsResponse)
            {
                return false;
            }
        }
        else if (Volatile.Read(ref _requests) is null)
        {
            return false;
        }

        PendingRequest? request;
        using (_lock.Enter())
        {
            if (_settings.ReadCorrelationId is null && _requests?.ExpectsInOrder != true)
            {
                return false;
            }

            request = _requests?.Take(match.Number);
        }

        if (request is null)
        {
            _settings.Metrics.Count(SocketKitMetrics.LateResponses);
            Log.LateResponse(_settings.Logger, Id, this, match.Number);
            return true;
        }

        request.SetResult(Message.Copy(message, _settings.TextEncoding));
        return true;
    }

    private void ExpireRequests(long now)
    {
        if (Volatile.Read(ref _requests) is null)
        {
            return;
        }

        RequestTable.Overdue overdue;
        bool mailboxFull;
        using (_lock.Enter())
        {
            overdue = _requests!.Expire(now, _life.IsReceiving || _life.IsInputOver, _life.Receives);
            mailboxFull = _handlers.IsFull;
        }

        overdue.Fail(mailboxFull);
        if (overdue.Lost is { } lost)
        {
            TryClose(CloseKind.ResponseLost, CloseParty.Peer, lost, null, graceful: false);
        }
    }

    private void FailRequests(CloseReason reason)
    {
        List<PendingRequest> waiting;
        using (_lock.Enter())
        {
            waiting = _requests?.Clear() ?? [];
        }

        foreach (var request in waiting)
        {
            request.Fail(new ConnectionClosedException(reason));
        }
    }
}
