using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Requests of this side, and the peer's responses.
internal sealed partial class Connection
{
    /// <summary>Made by the first request; under the gate.</summary>
    private PendingRequests? _requests;

    /// <summary>How many receives have ended; wraps. Under the gate.</summary>
    private uint _received;

    public ValueTask<Message> RequestAsync(ReadOnlyMemory<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default) => SocketKitActivities.AreWanted
        ? new ValueTask<Message>(RequestInSpanAsync(request, options, cancellationToken))
        : RequestOnceAsync(request, options, cancellationToken);

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
        Appended appended;
        using (_gate.Enter())
        {
            ThrowIfClosed();
            if (_inputEnded)
            {
                throw new ConnectionClosedException(new CloseReason(CloseKind.PeerClosed, Phase, CloseParty.Peer, "the peer sends no more, so no response can come", null));
            }

            // In one step: the order of the pending is the order on the wire.
            var requests = _requests ??= new PendingRequests(_settings.MaxPendingRequests, _settings.RequestTimeout);
            pending = requests.Add(options, Now);
            try
            {
                // Never corked: the handler that awaits the response would wait for its own batch.
                appended = Append(request.Span, Uncorkable);
            }
            catch
            {
                requests.TakeBack(pending);
                throw;
            }

            if (appended == Appended.Overflow)
            {
                requests.TakeBack(pending);
            }
        }

        if (!Conclude(appended))
        {
            ThrowClosed();
        }

        return cancellationToken.CanBeCanceled ? new ValueTask<Message>(WaitAsync(pending, cancellationToken)) : new ValueTask<Message>(pending.Task);
    }

    private async Task<Message> WaitAsync(PendingRequest pending, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(_ =>
        {
            using (_gate.Enter())
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

        PendingRequest? request = null;
        using (_gate.Enter())
        {
            if (_settings.ReadCorrelationId is null && _requests?.ExpectsInOrder != true)
            {
                return false;
            }

            _requests?.Take(match.Number, out request);
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

        List<PendingRequest>? expired = null;
        string? lost;
        bool mailboxFull;
        TimeSpan notReading;
        using (_gate.Enter())
        {
            if (!_requests!.HasDue)
            {
                return;
            }

            lost = _requests.Expire(now, expired = []);
            mailboxFull = _mailboxFull;
            notReading = _requests.NotReadingFor(_receiving || _receiveEnded, _received, now);
        }

        foreach (var request in expired)
        {
            // Blocked for most of the time, and not just when it was over.
            request.Fail(new RequestTimeoutException(request.Timeout, mailboxFull, !mailboxFull && notReading >= request.Timeout / 2));
        }

        if (lost is not null)
        {
            TryClose(CloseKind.ResponseLost, CloseParty.Peer, lost, null, graceful: false);
        }
    }

    private void FailRequests(CloseReason reason)
    {
        List<PendingRequest> waiting;
        using (_gate.Enter())
        {
            if (_requests is null)
            {
                return;
            }

            waiting = _requests.Clear();
        }

        foreach (var request in waiting)
        {
            request.Fail(new ConnectionClosedException(reason));
        }
    }
}
