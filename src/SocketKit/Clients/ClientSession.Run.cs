using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

// A run's loop: dial, live, wait, again.
internal sealed partial class ClientSession
{
    /// <summary>What every timer takes.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(int.MaxValue);

    private async Task RunAsync(ClientRun run)
    {
        CloseReason? reason = null;
        try
        {
            RuntimeAge.Check(Settings.Logger);
            try
            {
                reason = await DialUntilOverAsync(run).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // A clock, logger or listener of the user's threw: the run is over, and its reason has the exception.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                reason = new CloseReason(CloseKind.ConnectFailed, ClosePhase.Connecting, CloseParty.Local, "the client itself failed", exception);
                run.EndSpan(reason);
                run.Connection?.Abort();
            }

            Log.Disconnected(Settings.Logger, _settings.Address, reason.ToString());
        }
        finally
        {
            Conclude(run, reason!);
        }
    }

    /// <summary>Tells all who wait for the run that it is over, whatever threw or throws.</summary>
    private void Conclude(ClientRun run, CloseReason reason)
    {
        try
        {
            lock (_gate)
            {
                // A run that failed leaves a connection that is aborted: it is this run's, whenever it is released.
                Lose();
                _lastReason = reason;
                _run = null;
                Change(ClientState.Disconnected, reason, run.Attempt, null);
            }
        }
        finally
        {
            try
            {
                run.Fail(run.IsCanceled ? Disconnected() : new ConnectException(_settings.Address, reason));
            }
            finally
            {
                run.Ended.SetResult();
            }
        }
    }

    private async Task<CloseReason> DialUntilOverAsync(ClientRun run)
    {
        while (true)
        {
            var (transport, failure) = await AttemptAsync(run).ConfigureAwait(false);
            var reason = transport is null ? failure! : await LiveAsync(run, transport).ConfigureAwait(false);
            run.EndSpan(reason);

            // A connection that is lost soon counts as a failed attempt, so that a server which takes and drops is not dialled hotly.
            run.Attempt = run.OpenedAt is { } openedAt && Now - openedAt >= ProvenAfter.Ticks ? 0 : run.Attempt + 1;
            run.OpenedAt = null;
            if (NextDelay(run, reason) is not { } delay)
            {
                return reason;
            }

            Log.Waiting(Settings.Logger, _settings.Address, reason.ToString(), delay);
            if (!TryChange(run, ClientState.Waiting, reason, delay))
            {
                return reason;
            }

            await run.Delay.WaitAsync(delay).ConfigureAwait(false);
            if (!TryChange(run, ClientState.Connecting, reason, null))
            {
                return reason;
            }

            Settings.Metrics.Count(SocketKitMetrics.Reconnects, reason.Kind.ToString());
        }
    }

    /// <returns>False: the run is over, and goes to no other state than the last.</returns>
    private bool TryChange(ClientRun run, ClientState to, CloseReason reason, TimeSpan? retryIn)
    {
        lock (_gate)
        {
            if (run.IsCanceled)
            {
                return false;
            }

            _lastReason = reason;
            Change(to, reason, run.Attempt, retryIn);
            return true;
        }
    }

    private TimeSpan? NextDelay(ClientRun run, CloseReason reason)
    {
        if (run.IsCanceled || reason.Kind == CloseKind.Rejected || _settings.Reconnect is not { } policy)
        {
            return null;
        }

        try
        {
            var delay = policy.NextDelay(Math.Max(1, run.Attempt), reason);
            return delay < TimeSpan.Zero
                ? throw new InvalidOperationException($"NextDelay returned {delay}; return null to give up, or a delay that is not negative")
                : delay > LongestDelay ? LongestDelay : delay;
        }
#pragma warning disable CA1031 // A policy is user code: when it fails, reconnecting ends, and the log says why.
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
        run.BeginSpan(Settings.Metrics, _settings.Address);
        return await DialAsync(run).ConfigureAwait(false);
    }

    private async ValueTask<(Transport? Transport, CloseReason? Failure)> DialAsync(ClientRun run)
    {
        if (run.IsCanceled)
        {
            return (null, Canceled(run));
        }

        using var timeout = new CancellationTokenSource(_settings.ConnectTimeout, Settings.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, run.Token);
        try
        {
            return (await _settings.Dialer.DialAsync(Settings.TransportServices, either.Token).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException exception) when (either.IsCancellationRequested)
        {
            return (null, run.IsCanceled
                ? Canceled(run)
                : new CloseReason(CloseKind.ConnectTimeout, ClosePhase.Connecting, CloseParty.Network, $"no answer within {_settings.ConnectTimeout} (SocketClientOptions.ConnectTimeout)", exception));
        }
#pragma warning disable CA1031 // Whatever a dialer throws is a failed attempt.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return (null, new CloseReason(CloseKind.ConnectFailed, ClosePhase.Connecting, CloseParty.Network, null, exception));
        }
    }

    private static CloseReason Canceled(ClientRun run) =>
        new(CloseKind.LocalClosed, ClosePhase.Connecting, CloseParty.Local, run.Detail, null);

    /// <summary>Runs a connection until its wire is released.</summary>
    private async ValueTask<CloseReason> LiveAsync(ClientRun run, Transport transport)
    {
        Connection? connection = null;
        ValueTask<CloseReason> gone = default;
        try
        {
            connection = new Connection(transport, Settings, this);
            gone = run.Gone.Arm();
            lock (_gate)
            {
                if (run.IsCanceled)
                {
                    connection = null;
                }
                else
                {
                    // From here on who ends the run closes the connection.
                    run.Connection = connection;
                    _opening = connection;
                }
            }
        }
        finally
        {
            if (connection is null)
            {
                transport.Discard();
            }
        }

        if (connection is null)
        {
            return Canceled(run);
        }

        _clock.Add(connection);
        connection.Start();
        return await gone.ConfigureAwait(false);
    }
}
