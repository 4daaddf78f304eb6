using System.Diagnostics;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>
/// What a <see cref="SocketClient"/> does: one run at a time, from a call of ConnectAsync to the end of reconnecting.
/// <code>
///   Disconnected -> Connecting -> (dial, open, hook) -> Connected -> lost
///                       ^                                            |
///                       +------ Waiting (the policy's delay) &lt;-------+------> Disconnected (no policy, gave up, rejected, or DisconnectAsync)
/// </code>
/// The gate guards all fields. A connection's end reaches the run by its own signal, so an old connection cannot touch a newer one.
/// </summary>
internal sealed partial class ClientSession : IConnectionOwner
{
    /// <summary>A connection that lived this long has proved that the server works: back-off begins anew.</summary>
    private static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly ClientSettings _settings;
    private readonly ConnectionClock _clock;
    private readonly StateNotices _notices;
    private readonly HeldSends _held;
    private ClientRun? _run;
    private Connection? _open;
    private ClientState _state;
    private ClientState? _counted;
    private bool _retired;
    private CloseReason? _lastReason;

    public ClientSession(SocketClientOptions options, Action<ClientStateChange> changed)
    {
        _settings = new ClientSettings(options);
        if (_settings.Connection.Handler is null)
        {
            Messages = new MessageStream(Settings);
            Settings.Handler = _ => Messages;
        }

        _clock = new ConnectionClock(Settings);
        _notices = new StateNotices(changed, Settings.Logger);
        _held = new HeldSends(Settings.SendLimit);
    }

    public ConnectionSettings Settings => _settings.Connection;

    public MessageStream? Messages { get; }

    public ClientState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    public IConnection? Connection => Volatile.Read(ref _open);

    ISocketServer? IConnectionOwner.Server => null;

    Func<IConnection, CancellationToken, ValueTask>? IConnectionOwner.OnConnecting => _settings.OnConnecting;

    private long Now => Settings.TimeProvider.GetElapsedTime(0, Settings.TimeProvider.GetTimestamp()).Ticks;

    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ClientRun run;
        bool began;
        while (true)
        {
            Task ending;
            lock (_gate)
            {
                began = _run is null;
                run = _run ??= new ClientRun(Settings.TimeProvider, Activity.Current?.Context ?? default);
                if (began)
                {
                    Change(ClientState.Connecting, null, 0, null);
                    break;
                }

                if (!run.IsCanceled)
                {
                    break;
                }

                ending = run.Ended.Task;
            }

            // A run that is being ended is not joined; the next one begins after it.
            await ending.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        if (began)
        {
            // On the pool and without the caller's execution context: the caller's stack runs no user code.
            ThreadPool.UnsafeQueueUserWorkItem(static state => _ = state.Session.RunAsync(state.Run), new Start(this, run), preferLocal: false);
        }

        try
        {
            await run.Connected.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && began)
        {
            End(run, "the attempt was cancelled");
            throw;
        }
    }

    public Task DisconnectAsync(string? detail, CancellationToken cancellationToken)
    {
        ClientRun? run;
        lock (_gate)
        {
            run = _run;
        }

        if (run is null)
        {
            return Task.CompletedTask;
        }

        End(run, detail);

        // A handler that disconnects its own client must not wait for itself; the run's end does not depend on handlers.
        return run.Ended.Task.WaitAsync(cancellationToken);
    }

    void IConnectionOwner.Opened(Connection connection)
    {
        ClientRun run;
        while (true)
        {
            HeldSend? next;
            lock (_gate)
            {
                if (_opening != connection)
                {
                    return;
                }

                if (!_held.TryTake(out next))
                {
                    _opening = null;
                    _open = connection;
                    run = _run!;
                    run.OpenedAt = Now;
                    Change(ClientState.Connected, null, run.Attempt, null);
                    run.SetConnected();
                    break;
                }
            }

            _ = next!.SendAsync(connection);
        }

        run.EndSpan(null);
        Log.Connected(Settings.Logger, _settings.Dialer.ToString(), connection.Id);
    }

    void IConnectionOwner.Released(Connection connection, CloseReason reason)
    {
        HeldSend[] held = [];
        lock (_gate)
        {
            if (_open == connection)
            {
                // From here on ConnectAsync waits for the next connection.
                _open = null;
                _run?.RenewConnected();
            }

            if (_opening == connection)
            {
                _opening = null;
                held = _held.Clear();
            }

            _lastReason = reason;
        }

        foreach (var send in held)
        {
            send.Message.Dispose();
            send.Fail(new ConnectionClosedException(reason));
        }

        _clock.Remove(connection);
    }

    void IConnectionOwner.Gone(Connection connection, CloseReason reason)
    {
        ClientRun? run;
        lock (_gate)
        {
            run = _run?.Connection == connection ? _run : null;
        }

        run?.Gone.Set(reason);
    }

    IConnection? IConnectionOwner.SetName(Connection connection, string name)
    {
        if (connection.Reason is { } reason)
        {
            throw new ConnectionClosedException(reason);
        }

        connection.NoteName(name);
        return null;
    }

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

    private void End(ClientRun run, string? detail)
    {
        run.Cancel(detail);
        Connection? connection;
        lock (_gate)
        {
            connection = run.Connection;
        }

        if (connection is not null)
        {
            _ = connection.CloseAsync(detail).AsTask();
        }
    }

    /// <summary>Under the gate, so that the notices stand in the order of the changes.</summary>
    private void Change(ClientState to, CloseReason? reason, int attempt, TimeSpan? retryIn)
    {
        var from = _state;
        _state = to;
        Count(_retired ? null : to);
        _notices.Add(new ClientStateChange(from, to, reason, attempt, retryIn));
    }

    /// <summary>The client is disposed of: it is in no state any more.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            _retired = true;
            Count(null);
        }
    }

    private void Count(ClientState? state)
    {
        Settings.Metrics.CountState(_counted, state);
        _counted = state;
    }

    private readonly record struct Start(ClientSession Session, ClientRun Run);
}
