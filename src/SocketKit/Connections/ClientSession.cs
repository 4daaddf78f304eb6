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
        Task connected;
        bool began;
        while (true)
        {
            Task ending;
            lock (_gate)
            {
                began = _run is null;
                run = _run ??= new ClientRun(Settings.TimeProvider, Activity.Current?.Context ?? default);

                // Before the run is on its way: a connection that is lost at once was there all the same.
                connected = run.Connected;
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
            await connected.WaitAsync(cancellationToken).ConfigureAwait(false);
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

    void IConnectionOwner.Started(Connection connection)
    {
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
        Log.Connected(Settings.Logger, _settings.Address, connection.Id);
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
