using System.Diagnostics;
using SocketKit.Clock;
using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

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
    private const string Disposed = "disposed";

    /// <summary>A connection that lived this long has proved that the server works: back-off begins anew.</summary>
    private static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly ISocketClient _client;
    private readonly ClientSettings _settings;
    private readonly ConnectionClock _clock;
    private readonly StateNotices _notices;
    private readonly HeldSends _held;
    private ClientRun? _run;
    private Connection? _open;
    private ClientState _state;
    private ClientState? _counted;
    private bool _disposed;
    private bool _retired;

    /// <summary>How often the client was disconnected: a connect that was called before must not begin after.</summary>
    private int _disconnects;
    private CloseReason? _lastReason;

    public ClientSession(SocketClientOptions options, ISocketClient client, Action<ClientStateChange> changed)
    {
        _client = client;
        _settings = new ClientSettings(options);
        if (_settings.Connection.Handler is null)
        {
            Messages = new MessageStream(Settings);
            Settings.Handler = _ => Messages;
        }

        _clock = new ConnectionClock(Settings.TimeProvider, Settings.Logger, Settings.Metrics, Settings.Coarse);
        _notices = new StateNotices(changed, Settings.Logger);
        _held = new HeldSends(Settings.MaxQueuedBytes);
    }

    public ConnectionSettings Settings => _settings.Connection;

    public MessageStream? Messages { get; }

    public ClientState State
    {
        get
        {
            lock (_gate)
            {
                return StateNow;
            }
        }
    }

    /// <summary>Under the gate, or for people, who may see a state that is a moment old.</summary>
    public ClientState StateNow
    {
        get
        {
            if (_state != ClientState.Connected || (_open is { Reason: null } && _run is { IsCanceled: false }))
            {
                return _state;
            }

            // The wire is not released yet, and the policy not asked; the notice of the change follows with what it says.
            return _run is { IsCanceled: false } && _settings.Reconnect is not null ? ClientState.Waiting : ClientState.Disconnected;
        }
    }

    public IConnection? Connection => Volatile.Read(ref _open) is { Reason: null } open ? open : null;

    bool IConnectionOwner.IsServer => false;

    ISocketServer IConnectionOwner.Server => throw OtherRole.OfClient();

    Listener IConnectionOwner.Listener => throw OtherRole.OfClient();

    ISocketClient IConnectionOwner.Client => _client;

    Func<IConnection, CancellationToken, ValueTask>? IConnectionOwner.OnOpening => _settings.OnOpening;

    private long Now => MonotonicTime.Now(Settings.TimeProvider);

    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ClientRun run;
        Task connected;
        int? disconnects = null;
        while (true)
        {
            Task ending;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, typeof(ISocketClient));
                if ((disconnects ??= _disconnects) != _disconnects)
                {
                    throw Disconnected();
                }

                Lose();
                if (_open is { InputEnded: true } half)
                {
                    // Requests on it throw as on a closed one, and who then connects wants another.
                    ending = half.Closed;
                }
                else if (_run is null)
                {
                    // Joined before it is on its way: a connection that is lost at once was there all the same.
                    run = _run = new ClientRun(Settings.TimeProvider, Activity.Current?.Context ?? default);
                    connected = run.Join();
                    Change(ClientState.Connecting, null, 0, null);

                    // On the pool and without the caller's execution context: the caller's stack runs no user code.
                    var start = new Start(this, run);
                    ThreadPool.UnsafeQueueUserWorkItem(static state => _ = state.Session.RunAsync(state.Run), start, preferLocal: false);
                    break;
                }
                else if (!_run.IsEnding)
                {
                    run = _run;
                    connected = run.Join();
                    break;
                }
                else
                {
                    // The next run begins after this one.
                    ending = _run.Ended.Task;
                }
            }

            await ending.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            await connected.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            if (!TryLeave(run, connected))
            {
                return;
            }

            throw;
        }
    }

    public async Task DisconnectAsync(string? detail, CancellationToken cancellationToken)
    {
        if (BeginDisconnect(detail) is not { } run)
        {
            return;
        }

        // A handler that disconnects its own client must not wait for itself; the run's end does not depend on handlers.
        await run.Ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (run.Connection?.WaitedFor is { } waitedFor)
        {
            throw new TimeoutException(waitedFor);
        }
    }

    private ClientRun? BeginDisconnect(string? detail)
    {
        ClientRun? run;
        lock (_gate)
        {
            _disconnects++;
            run = _run;
            run?.Cancel(detail);
        }

        if (run is not null)
        {
            End(run);
        }

        return run;
    }

    /// <summary>Disconnects for good. Nothing begins any more from here on, and what runs has ended when the task completes; handlers may
    /// be slower.</summary>
    public async Task DisposeAsync()
    {
        lock (_gate)
        {
            _disposed = true;
            _lastReason ??= new CloseReason(CloseKind.LocalClosed, ClosePhase.Connecting, CloseParty.Local, Disposed, null);
        }

        if (BeginDisconnect(Disposed) is { } run)
        {
            await run.Ended.Task.ConfigureAwait(false);
        }

        Messages?.Complete();
        lock (_gate)
        {
            _retired = true;
            Count(null);
        }

        await _notices.ToldAsync().ConfigureAwait(false);
    }

    void IConnectionOwner.Opened(Connection connection)
    {
        ClientRun run;
        while (true)
        {
            HeldSend? next;
            lock (_gate)
            {
                if (_opening != connection || _run!.IsCanceled)
                {
                    return;
                }

                if (!_held.TryTake(out next))
                {
                    _opening = null;
                    _open = connection;
                    run = _run;
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
            Lose();
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

    bool IConnectionOwner.TrySetName(Connection connection, string name)
    {
        _ = ((IConnectionOwner)this).SetName(connection, name);
        return true;
    }

    private static OperationCanceledException Disconnected() => new("The client was disconnected");

    /// <summary>Under the gate: from the first cause of death on the connection is lost, although its wire may take a while yet.</summary>
    private void Lose()
    {
        if (_open is { Reason: { } reason })
        {
            _open = null;
            _lastReason = reason;
            _run?.Lose(isLast: _settings.Reconnect is null);
        }
    }

    /// <summary>A caller's token ends its wait, and the attempt if nobody else waits for it.</summary>
    /// <returns>False: connected in the same instant.</returns>
    private bool TryLeave(ClientRun run, Task connected)
    {
        lock (_gate)
        {
            if (connected.IsCompletedSuccessfully)
            {
                return false;
            }

            if (!run.Leave())
            {
                return true;
            }

            run.Cancel("the attempt was cancelled");
        }

        End(run);
        return true;
    }

    /// <summary>Ends a run that is cancelled.</summary>
    private void End(ClientRun run)
    {
        run.Unblock();
        Connection? connection;
        lock (_gate)
        {
            connection = run.Connection;
        }

        if (connection is not null)
        {
            _ = connection.CloseAsync(run.Detail).AsTask();
        }
    }

    /// <summary>Under the gate, so that the notices stand in the order of the changes.</summary>
    private void Change(ClientState to, CloseReason? reason, int attempt, TimeSpan? retryIn)
    {
        var from = _state;
        _state = to;
        Count(_retired ? null : to);
        _notices.Add(new ClientStateChange { From = from, To = to, Reason = reason, Attempt = attempt, RetryIn = retryIn });
    }

    private void Count(ClientState? state)
    {
        Settings.Metrics.CountState(_counted, state);
        _counted = state;
    }

    private readonly record struct Start(ClientSession Session, ClientRun Run);
}
