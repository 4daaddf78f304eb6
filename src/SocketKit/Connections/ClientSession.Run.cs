using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// A run's loop: dial, live, wait, again.
internal sealed partial class ClientSession
{
    private async Task RunAsync(ClientRun run)
    {
        CloseReason reason;
        while (true)
        {
            var (transport, failure) = await AttemptAsync(run).ConfigureAwait(false);
            reason = transport is null ? failure! : await LiveAsync(run, transport).ConfigureAwait(false);
            run.EndSpan(reason);
            if (run.OpenedAt is { } openedAt && Now - openedAt >= ProvenAfter.Ticks)
            {
                run.Attempt = 0;
            }

            run.OpenedAt = null;
            run.Attempt++;
            if (NextDelay(run, reason) is not { } delay)
            {
                break;
            }

            Log.Waiting(Settings.Logger, _settings.Dialer.ToString(), LogText.Escape(reason.ToString()), delay);
            lock (_gate)
            {
                _lastReason = reason;
                Change(ClientState.Waiting, reason, run.Attempt, delay);
            }

            await run.Delay.WaitAsync(delay).ConfigureAwait(false);
            if (run.IsCanceled)
            {
                break;
            }

            Settings.Metrics.Count(SocketKitMetrics.Reconnects, reason.Kind.ToString());
            lock (_gate)
            {
                Change(ClientState.Connecting, reason, run.Attempt, null);
            }
        }

        Log.Disconnected(Settings.Logger, _settings.Dialer.ToString(), LogText.Escape(reason.ToString()));
        lock (_gate)
        {
            _lastReason = reason;
            _run = null;
            Change(ClientState.Disconnected, reason, run.Attempt, null);
        }

        run.Fail(run.IsCanceled ? new OperationCanceledException("The client was disconnected") : new ConnectException(_settings.Dialer.ToString(), reason));
        run.Ended.SetResult();
    }

    private TimeSpan? NextDelay(ClientRun run, CloseReason reason)
    {
        if (run.IsCanceled || reason.Kind == CloseKind.Rejected || _settings.Reconnect is not { } policy)
        {
            return null;
        }

        try
        {
            var delay = policy.NextDelay(run.Attempt, reason);
            return delay < TimeSpan.Zero ? TimeSpan.Zero : delay;
        }
#pragma warning disable CA1031 // A policy is user code: when it throws, reconnecting ends, and the log says why.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.PolicyFailed(Settings.Logger, policy.GetType().Name, exception);
            return null;
        }
    }

    /// <summary>Begins an attempt, and its span. An asynchronous method, so that the span is current while it dials and not in the connection's life.</summary>
    private async ValueTask<(Transport? Transport, CloseReason? Failure)> AttemptAsync(ClientRun run)
    {
        run.BeginSpan(Settings.Metrics, _settings.Dialer.ToString());
        return await DialAsync(run).ConfigureAwait(false);
    }

    private async ValueTask<(Transport? Transport, CloseReason? Failure)> DialAsync(ClientRun run)
    {
        using var timeout = new CancellationTokenSource(_settings.ConnectTimeout, Settings.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, run.Token);
        try
        {
            return (await _settings.Dialer.DialAsync(Settings.TimeProvider, either.Token).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException exception) when (either.IsCancellationRequested)
        {
            return (null, run.IsCanceled
                ? new CloseReason(CloseKind.LocalClosed, ClosePhase.Connecting, CloseParty.Local, run.Detail, null)
                : new CloseReason(CloseKind.ConnectTimeout, ClosePhase.Connecting, CloseParty.Network, $"no answer within {_settings.ConnectTimeout} (SocketClientOptions.ConnectTimeout)", exception));
        }
#pragma warning disable CA1031 // Whatever a dialer throws is a failed attempt.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return (null, new CloseReason(CloseKind.ConnectFailed, ClosePhase.Connecting, CloseParty.Network, null, exception));
        }
    }

    /// <summary>Runs a connection until its wire is released.</summary>
    private async ValueTask<CloseReason> LiveAsync(ClientRun run, Transport transport)
    {
        var connection = new Connection(transport, Settings, this);
        var gone = run.Gone.Arm();
        lock (_gate)
        {
            run.Connection = connection;
            _opening = connection;
        }

        _clock.Add(connection);
        connection.Start();
        if (run.IsCanceled)
        {
            await connection.CloseAsync(run.Detail).ConfigureAwait(false);
        }

        return await gone.ConfigureAwait(false);
    }
}
