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
///                       +------ Waiting (the policy's delay) &lt;-------+------> Disconnected
///                                                     (no policy, gave up, rejected, or DisconnectAsync)
/// </code>
/// The lock guards the fields that change, and the parts of the run, the slot and the publisher that their comments name; only this class
/// takes it. A connection's end reaches the run by its own signal, so an old connection cannot touch a newer one.
/// </summary>
internal sealed class ClientSession : IConnectionOwner, IClientLoopOwner
{
    private const string Disposed = "disposed";

    private static readonly CloseReason NotYet =
        new(CloseKind.LocalClosed, ClosePhase.Connecting, CloseParty.Local, "not connected yet; await ConnectAsync first", null);

    private readonly Lock _lock = new();
    private readonly ISocketClient _client;
    private readonly ClientSettings _settings;
    private readonly ConnectionClock _clock;
    private readonly StateNotices _notices;
    private readonly StatePublisher _state;
    private readonly ConnectionSlot _slot;
    private readonly ClientLoop _loop;
    private ClientRun? _run;
    private bool _disposed;

    /// <summary>How often the client was disconnected: a connect that was called before must not begin after.</summary>
    private int _disconnects;

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
        _state = new StatePublisher(Settings.Metrics, _notices);
        _slot = new ConnectionSlot(Settings.MaxQueuedBytes);
        _loop = new ClientLoop(_settings, this);
    }

    public ConnectionSettings Settings => _settings.Connection;

    public MessageStream? Messages { get; }

    public ClientState State
    {
        get
        {
            lock (_lock)
            {
                return StateNow;
            }
        }
    }

    /// <summary>Under the lock, or for people, who may see a state that is a moment old.</summary>
    public ClientState StateNow
    {
        get
        {
            var published = _state.Current;
            if (published != ClientState.Connected || (_slot.Open is { Reason: null } && _run is { IsCanceled: false }))
            {
                return published;
            }

            // The wire is not released yet, and the policy not asked; the notice of the change follows with what it says.
            return _run is { IsCanceled: false } && _settings.Reconnect is not null ? ClientState.Waiting : ClientState.Disconnected;
        }
    }

    public IConnection? Connection => _slot.Open is { Reason: null } open ? open : null;

    bool IConnectionOwner.IsServer => false;

    ISocketServer IConnectionOwner.Server => throw OtherRole.OfClient();

    Listener IConnectionOwner.Listener => throw OtherRole.OfClient();

    ISocketClient IConnectionOwner.Client => _client;

    Func<IConnection, CancellationToken, ValueTask>? IConnectionOwner.OnOpening => _settings.OnOpening;

    private long Now => MonotonicTime.Now(Settings.TimeProvider);

    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        JoinStep step;
        int? disconnects = null;
        while (true)
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, typeof(ISocketClient));
                if ((disconnects ??= _disconnects) != _disconnects)
                {
                    throw Disconnected();
                }

                step = JoinLocked();
            }

            if (step.Run is not null)
            {
                break;
            }

            await step.Wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        var (run, connected) = (step.Run, step.Wait);
        if (step.Begins)
        {
            // On the pool and without the caller's execution context: the caller's stack runs no user code.
            var start = (Loop: _loop, Run: run);
            ThreadPool.UnsafeQueueUserWorkItem(static start => _ = start.Loop.RunAsync(start.Run), start, preferLocal: false);
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

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (_slot.Open is { } open)
        {
            return open.SendAsync(message, cancellationToken);
        }

        return TryHold(message, isRequest: false, default, cancellationToken, out var now) is { } held
            ? new ValueTask(Cancellable(held, cancellationToken))
            : now!.SendAsync(message, cancellationToken);
    }

    public ValueTask<Message> RequestAsync(ReadOnlyMemory<byte> request, RequestOptions options, CancellationToken cancellationToken)
    {
        if (_slot.Open is { } open)
        {
            return open.RequestAsync(request, options, cancellationToken);
        }

        return TryHold(request, isRequest: true, options, cancellationToken, out var now) is { } held
            ? new ValueTask<Message>(Cancellable(held, cancellationToken)!)
            : now!.RequestAsync(request, options, cancellationToken);
    }

    private ClientRun? BeginDisconnect(string? detail)
    {
        ClientRun? run;
        lock (_lock)
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
        lock (_lock)
        {
            _disposed = true;
            _slot.LastReason ??= new CloseReason(CloseKind.LocalClosed, ClosePhase.Connecting, CloseParty.Local, Disposed, null);
        }

        if (BeginDisconnect(Disposed) is { } run)
        {
            await run.Ended.Task.ConfigureAwait(false);
        }

        Messages?.Complete();
        lock (_lock)
        {
            _state.Retire();
        }

        await _notices.ToldAsync().ConfigureAwait(false);
    }

    void IConnectionOwner.Opened(Connection connection)
    {
        ClientRun? run;
        while (true)
        {
            HeldSend? next = null;
            lock (_lock)
            {
                run = _run;
                if (run is { IsCanceled: false } && _slot.TryOpen(connection, out next))
                {
                    run.Schedule.Opened(Now);
                    _state.Change(ClientState.Connected, null, run.Schedule.Attempt, null);
                    run.Waiters.Complete();
                    break;
                }
            }

            if (next is null)
            {
                return;
            }

            _ = next.SendAsync(connection);
        }

        run.EndSpan(null);
        Log.Connected(Settings.Logger, _settings.Address, connection.Id);
    }

    void IConnectionOwner.Released(Connection connection, CloseReason reason)
    {
        HeldSend[] held;
        lock (_lock)
        {
            LoseLocked();
            held = _slot.Release(connection, reason);
        }

        Fail(held, reason);
        _clock.Remove(connection);
    }

    void IConnectionOwner.Gone(Connection connection, CloseReason reason)
    {
        ClientRun? run;
        lock (_lock)
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

    bool IClientLoopOwner.TryChange(ClientRun run, ClientState to, CloseReason reason, TimeSpan? retryIn)
    {
        lock (_lock)
        {
            if (run.IsCanceled)
            {
                return false;
            }

            _slot.LastReason = reason;
            _state.Change(to, reason, run.Schedule.Attempt, retryIn);
            return true;
        }
    }

    async ValueTask<CloseReason> IClientLoopOwner.LiveAsync(ClientRun run, Transport transport)
    {
        Connection? connection = null;
        ValueTask<CloseReason> gone = default;
        try
        {
            connection = new Connection(transport, Settings, this);
            gone = run.Gone.Arm();
            lock (_lock)
            {
                if (run.IsCanceled)
                {
                    connection = null;
                }
                else
                {
                    // From here on who ends the run closes the connection.
                    run.Connection = connection;
                    _slot.Set(connection);
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
            return run.CancelReason;
        }

        _clock.Add(connection);
        connection.Start();
        return await gone.ConfigureAwait(false);
    }

    /// <summary>Tells all who wait for the run that it is over, whatever threw or throws.</summary>
    void IClientLoopOwner.Conclude(ClientRun run, CloseReason reason)
    {
        HeldSend[] held = [];
        try
        {
            lock (_lock)
            {
                // A run that failed leaves a connection that is aborted and may be released later: its sends must not go to the next one.
                LoseLocked();
                held = run.Connection is { } left ? _slot.Release(left, reason) : [];
                _slot.LastReason = reason;
                _run = null;
                _state.Change(ClientState.Disconnected, reason, run.Schedule.Attempt, null);
            }
        }
        finally
        {
            Fail(held, reason);
            try
            {
                run.Waiters.Fail(run.IsCanceled ? Disconnected() : new ConnectException(_settings.Address, reason));
            }
            finally
            {
                run.Ended.SetResult();
            }
        }
    }

    private static void Fail(HeldSend[] held, CloseReason reason)
    {
        foreach (var send in held)
        {
            send.Message.Dispose();
            send.Fail(new ConnectionClosedException(reason));
        }
    }

    private static OperationCanceledException Disconnected() => new("The client was disconnected");

    /// <summary>Joins a run, or begins one.</summary>
    private JoinStep JoinLocked()
    {
        LoseLocked();
        if (_slot.Open is { InputEnded: true } half)
        {
            // Requests on it throw as on a closed one, and a caller who then connects wants another.
            return new JoinStep(null, half.Closed, Begins: false);
        }

        if (_run is { IsEnding: true } ending)
        {
            // The next run begins after this one.
            return new JoinStep(null, ending.Ended.Task, Begins: false);
        }

        var begins = _run is null;
        if (begins)
        {
            var schedule = new ReconnectSchedule(_settings.Reconnect, Settings.Logger);
            _run = new ClientRun(Settings.TimeProvider, schedule, Activity.Current?.Context ?? default);
            _state.Change(ClientState.Connecting, null, 0, null);
        }

        // Joined before it is on its way: a connection that is lost at once was there all the same.
        return new JoinStep(_run, _run!.Waiters.Join(), begins);
    }

    /// <summary>From the first cause of death on the connection is lost, although its wire may take a while yet.</summary>
    private void LoseLocked()
    {
        if (_slot.TryLose())
        {
            _run?.Lose(isLast: _settings.Reconnect is null);
        }
    }

    /// <summary>Holds a message while the hook runs. Otherwise gives the connection that has just opened, or throws that the client is not
    /// connected.</summary>
    private HeldSend? TryHold(
        ReadOnlyMemory<byte> message, bool isRequest, RequestOptions options, CancellationToken cancellationToken, out Connection? open)
    {
        lock (_lock)
        {
            open = _slot.Open;
            if (open is not null)
            {
                return null;
            }

            if (_run is { IsCanceled: false } && _slot.TryHold(message, isRequest, options, cancellationToken) is { } held)
            {
                return held;
            }

            throw new ConnectionClosedException(_slot.Refusal ?? (_run is { IsCanceled: true } run ? run.CancelReason : NotYet));
        }
    }

    /// <summary>The task of a message that is held; cancelling abandons the wait for the hook, too.</summary>
    private static Task<Message?> Cancellable(HeldSend held, CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
        {
            return held.Task;
        }

        var task = held.Task.WaitAsync(cancellationToken);
        _ = SocketKit.Connections.Connection.Observed(task);
        return task;
    }

    /// <summary>A caller's token ends its wait, and the attempt if nobody else waits for it.</summary>
    /// <returns>False: connected in the same instant.</returns>
    private bool TryLeave(ClientRun run, Task connected)
    {
        lock (_lock)
        {
            var left = run.Waiters.Leave(connected);
            if (left != LeaveResult.Deserted)
            {
                return left == LeaveResult.Left;
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
        lock (_lock)
        {
            connection = run.Connection;
        }

        if (connection is not null)
        {
            _ = connection.CloseAsync(run.Detail).AsTask();
        }
    }

    /// <summary>The next step of a call of ConnectAsync.</summary>
    /// <param name="Run">The run that it has joined; null: it waits, and then tries again.</param>
    /// <param name="Wait">Completes with the run's connection; without a run, when the old connection or run has ended.</param>
    /// <param name="Begins">The run is new, and its loop must be started.</param>
    private readonly record struct JoinStep(ClientRun? Run, Task Wait, bool Begins);
}
