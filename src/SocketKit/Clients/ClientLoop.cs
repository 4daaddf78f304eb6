using SocketKit.Clock;
using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>The session that a loop runs for. Each member takes the session's lock itself.</summary>
internal interface IClientLoopOwner
{
    /// <returns>False: the run is canceled, and goes to no other state than the last.</returns>
    bool TryChange(ClientRun run, ClientState to, CloseReason reason, TimeSpan? retryIn);

    /// <summary>Runs a connection over the wire until the wire is released, and says why it ended.</summary>
    ValueTask<CloseReason> LiveAsync(ClientRun run, Transport transport);

    /// <summary>The run is over. Called once per run, also when something threw.</summary>
    void Conclude(ClientRun run, CloseReason reason);
}

/// <summary>The loop of a client's run: dial, live, wait, again. All state is in the run; the loop takes no lock.</summary>
internal sealed class ClientLoop(ClientSettings settings, IClientLoopOwner owner)
{
    private readonly ConnectionSettings _settings = settings.Connection;

    public async Task RunAsync(ClientRun run)
    {
        CloseReason? reason = null;
        try
        {
            RuntimeAge.Check(_settings.Logger);
            try
            {
                reason = await DialUntilOverAsync(run).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // A clock, logger or listener of the user's threw: the run is over, and its reason has the exception.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                const string detail = "the client itself failed";
                reason = new CloseReason(CloseKind.ConnectFailed, ClosePhase.Connecting, CloseParty.Local, detail, exception);
                run.EndSpan(reason);
                run.Connection?.Abort();
            }

            Log.Disconnected(_settings.Logger, settings.Address, reason.ToString());
        }
        finally
        {
            owner.Conclude(run, reason!);
        }
    }

    private async Task<CloseReason> DialUntilOverAsync(ClientRun run)
    {
        while (true)
        {
            var (transport, failure) = await AttemptAsync(run).ConfigureAwait(false);
            var reason = transport is null ? failure! : await owner.LiveAsync(run, transport).ConfigureAwait(false);
            run.EndSpan(reason);
            run.Schedule.Ended(MonotonicTime.Now(_settings.TimeProvider));
            if (run.IsCanceled || run.Schedule.NextDelay(reason) is not { } delay)
            {
                return reason;
            }

            Log.Waiting(_settings.Logger, settings.Address, reason.ToString(), delay);
            if (!owner.TryChange(run, ClientState.Waiting, reason, delay))
            {
                return reason;
            }

            await run.Delay.WaitAsync(delay).ConfigureAwait(false);
            if (!owner.TryChange(run, ClientState.Connecting, reason, null))
            {
                return reason;
            }

            _settings.Metrics.Count(SocketKitMetrics.Reconnects, reason.Kind.ToString());
        }
    }

    /// <summary>Begins an attempt, and its span. An asynchronous method, so that the span is current while it dials and not in the
    /// connection's life.</summary>
    private async ValueTask<(Transport? Transport, CloseReason? Failure)> AttemptAsync(ClientRun run)
    {
        run.BeginSpan(_settings.Metrics, settings.Address);
        return await DialAsync(run).ConfigureAwait(false);
    }

    private async ValueTask<(Transport? Transport, CloseReason? Failure)> DialAsync(ClientRun run)
    {
        if (run.IsCanceled)
        {
            return (null, run.CancelReason);
        }

        using var timeout = new CancellationTokenSource(settings.ConnectTimeout, _settings.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, run.Token);
        try
        {
            return (await settings.Dialer.DialAsync(_settings.TransportServices, either.Token).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException exception) when (either.IsCancellationRequested)
        {
            return (null, run.IsCanceled
                ? run.CancelReason
                : new CloseReason(CloseKind.ConnectTimeout, ClosePhase.Connecting, CloseParty.Network,
                    $"no answer within {settings.ConnectTimeout} (SocketClientOptions.ConnectTimeout)", exception));
        }
#pragma warning disable CA1031 // Whatever a dialer throws is a failed attempt.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return (null, new CloseReason(CloseKind.ConnectFailed, ClosePhase.Connecting, CloseParty.Network, null, exception));
        }
    }
}
