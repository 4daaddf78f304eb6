using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using SocketKit.Clock;
using SocketKit.Connections;
using SocketKit.Diagnostics;
using SocketKit.Servers;

namespace SocketKit;

/// <summary>Accepts connections and runs a handler for each. See <see cref="ISocketServer"/>.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed partial class SocketServer : ISocketServer
{
    private static readonly TimeSpan BroadcastPatience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly SocketServerOptions _options;
    private readonly ConnectionTable _open = new();
    private readonly HashSet<Connection> _all = [];
    private ServerSettings? _settings;
    private ConnectionClock? _clock;
    private AcceptLoop[] _loops = [];
    private readonly TaskCompletionSource _stopAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _drainOver = new();
    private Task? _starting;
    private Task<string?>? _stopping;
    private Task? _stopped;
    private bool _disposed;
    private long _refused;
    private LogLevel _refusedLevel;

    /// <summary>Makes a server. Options are copied and checked by <see cref="StartAsync"/>.</summary>
    public SocketServer(SocketServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    public ServerState State
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
    private ServerState StateNow => (_starting, _stopping) switch
    {
        ({ IsCompleted: true, IsCompletedSuccessfully: false }, _) => ServerState.Stopped,
        (_, { IsCompleted: true }) => ServerState.Stopped,
        (_, not null) => ServerState.Draining,
        ({ IsCompleted: true }, null) => ServerState.Listening,
        (null, _) when _disposed => ServerState.Stopped,
        _ => ServerState.NotStarted,
    };

    /// <summary>
    /// For people, logs and debuggers: <c>SocketServer gateway, Listening on 127.0.0.1:9000, 3 connections</c>, with
    /// <see cref="ConnectionOptions.Name"/> if it has one. Takes no lock.
    /// </summary>
    public override string ToString()
    {
        var where = EndPoints.Count == 0 ? "" : " on " + string.Join(", ", EndPoints.Select(LogText.NameOf));
        return $"{SocketKitText.Named(nameof(SocketServer), _options.Name)}, {StateNow}{where}"
            + $", {SocketKitText.Count(_open.Count, "connection")}";
    }

    /// <inheritdoc/>
    public IReadOnlyList<EndPoint> EndPoints { get; private set; } = [];

    /// <inheritdoc/>
    public IConnectionTable Connections => _open;

    /// <inheritdoc/>
    public Encoding TextEncoding => _settings?.Connection.TextEncoding ?? _options.TextEncoding;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_starting is not null || _stopping is not null)
            {
                throw new InvalidOperationException("A server is started once; make a new one");
            }

            return _starting = StartOnceAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        _ = BeginStop(cancellationToken);
        lock (_lock)
        {
            // Null: it was not started yet.
            return _stopping is { } stopping ? _stopped ??= AnswerAsync(stopping) : Task.CompletedTask;
        }

        static async Task AnswerAsync(Task<string?> stopping)
        {
            if (await stopping.ConfigureAwait(false) is { } waitedFor)
            {
                throw new TimeoutException(waitedFor);
            }
        }
    }

    /// <summary>Stops. The result: for what it waited while a test's clock stood still, or null.</summary>
    private Task<string?> BeginStop(CancellationToken cancellationToken)
    {
        // A handler that awaits the stop cannot end before it does.
        if (HandlerContext.CurrentConnection is { } caller && caller.Server == this)
        {
            caller.LeaveOutOfStop();
        }

        lock (_lock)
        {
            if (_starting is null)
            {
                return Task.FromResult<string?>(null);
            }

            _stopAsked.TrySetResult();
            _stopping ??= StopOnceAsync(_starting);
        }

        // Each caller may end the drain of all.
        cancellationToken.UnsafeRegister(static source => _ = ((CancellationTokenSource)source!).CancelAsync(), _drainOver);
        return _stopping;
    }

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        Task starting;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            starting = _starting ?? StartAsync(cancellationToken);
        }

        await starting.ConfigureAwait(false);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        await using var token = cancellationToken.UnsafeRegister(_ => _stopAsked.TrySetResult(), null).ConfigureAwait(false);
        await _stopAsked.Task.ConfigureAwait(false);
        await StopAsync(CancellationToken.None).ConfigureAwait(false);

        void OnSignal(PosixSignalContext context)
        {
            // The first signal drains; the second one has its usual effect and ends the process.
            context.Cancel = _stopAsked.TrySetResult();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<int> BroadcastAsync(ReadOnlyMemory<byte> message, IEnumerable<IConnection>? to = null, CancellationToken cancellationToken = default)
    {
        var settings = _settings ?? throw new InvalidOperationException("The server is not started");
        var frame = new ArrayBufferWriter<byte>(message.Length + 16);
        settings.Connection.Framer.Write(message.Span, frame);

        // Before the first wait all is sent: then the memory is the caller's again.
        var queued = 0;
        List<Task>? full = null;
        foreach (var recipient in to ?? _open)
        {
            if (recipient is not Connection { IsServer: true } connection || connection.Server != this)
            {
                // Another server's or a test's: its framing may differ.
                queued += recipient.TrySend(message) ? 1 : 0;
                continue;
            }

            if (!connection.TryQueueFramed(frame.WrittenSpan, out var wasFull))
            {
                continue;
            }

            queued++;
            if (!wasFull && connection.Room() is { } room)
            {
                (full ??= []).Add(room);
            }
        }

        if (full is not null)
        {
            // A recipient that dies meanwhile is no failure of the broadcast; one that stays full is not waited for again until it has
            // caught up.
            var all = Connection.Observed(Task.WhenAll(full));
            await all.WaitAsync(BroadcastPatience, settings.Connection.TimeProvider, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return queued;
    }

    /// <summary>
    /// Stops the server as <see cref="StopAsync"/> does. It cannot be started afterwards, even if it never was. Idempotent.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        // That a test's clock stood still is in the log; thrown from a disposal it would hide why the test failed.
        _ = await BeginStop(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>See <see cref="IConnectionOwner.Opened"/>.</summary>
    private void Opened(Connection connection)
    {
        _open.Add(connection);
        Log.Opened(_settings!.Connection.Logger, connection.Id, connection);
        if (connection.Reason is not null)
        {
            _open.Remove(connection);
        }
    }

    /// <summary>See <see cref="IConnectionOwner.Released"/>.</summary>
    private void Released(Connection connection)
    {
        _open.Remove(connection);
        _clock!.Remove(connection);
        var settings = _settings!.Connection;
        var refused = 0L;
        bool wasOurs;
        LogLevel level;
        lock (_lock)
        {
            // A refused one was never among them, and makes no room.
            wasOurs = _all.Remove(connection);
            level = _refusedLevel;
            if (wasOurs)
            {
                (refused, _refused) = (_refused, 0);
            }
        }

        if (wasOurs)
        {
            settings.Metrics.CountConnection(-1);
        }

        if (refused > 0)
        {
            Log.RefusedEnough(settings.Logger, level, refused);
        }
    }

    /// <summary>Takes a new wire in, or refuses it. Called by the accept loops; never throws for one connection.</summary>
    private void Accepted(Transport transport, Entrance entrance)
    {
        var settings = _settings!;
        Connection connection;
        try
        {
            connection = new Connection(transport, settings.Connection, entrance);
        }
        catch
        {
            transport.Discard();
            throw;
        }

        bool full, stopping, first = false;
        lock (_lock)
        {
            stopping = _stopping is not null;
            full = !stopping && _all.Count >= settings.MaxConnections;
            if (full)
            {
                first = _refused++ == 0;
                _refusedLevel = first ? LogLevel.Warning : _refusedLevel;
            }
            else if (!stopping)
            {
                _all.Add(connection);
            }
        }

        if (full || stopping)
        {
            if (full)
            {
                _ = TellOfRefusalAsync(transport, first, settings);
            }

            connection.Refuse(stopping ? CloseKind.ServerStopping : CloseKind.TooManyConnections);
            return;
        }

        settings.Connection.Metrics.CountConnection(1);
        try
        {
            _clock!.Add(connection);
        }
        catch (Exception exception)
        {
            connection.Refuse(CloseKind.OpenFailed, exception);
            throw;
        }

        connection.Start();
    }

    // Loggers and whoever listens to metrics may be slow: not on the accept loop's stack.
    private async Task TellOfRefusalAsync(Transport transport, bool first, ServerSettings settings)
    {
        await NextTurn.Of(transport);
        settings.Connection.Metrics.Count(SocketKitMetrics.Rejected);
        if (first)
        {
            var level = settings.Connection.Floods.LevelOf(LogLevel.Warning, "times at which connections are refused");
            lock (_lock)
            {
                _refusedLevel = level;
            }

            Log.Refusing(settings.Connection.Logger, level, settings.MaxConnections);
        }
    }

    private async Task StartOnceAsync(CancellationToken cancellationToken)
    {
        var settings = _settings = new ServerSettings(_options);
        _clock = new ConnectionClock(settings.Connection.TimeProvider, settings.Connection.Logger, settings.Connection.Metrics, settings.Connection.Coarse);
        var bound = new List<Listener>();
        try
        {
            foreach (var listener in settings.Listeners)
            {
                bound.Add(listener);
                await listener.BindAsync(settings.Connection.TransportServices, cancellationToken).ConfigureAwait(false);
            }

            EndPoints = [.. bound.Select(listener => listener.EndPoint)];
        }
        catch
        {
            foreach (var listener in bound)
            {
                try
                {
                    await listener.DisposeAsync().ConfigureAwait(false);
                }
#pragma warning disable CA1031 // One of somebody else's: the others give their addresses back all the same.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    Log.ListenerFailed(settings.Connection.Logger, listener.GetType().Name, exception);
                }
            }

            throw;
        }

        RuntimeAge.Check(settings.Connection.Logger);
        _loops = [.. bound.Select(NewLoop)];
        for (var i = 0; i < _loops.Length; i++)
        {
            Log.Listening(settings.Connection.Logger, EndPoints[i], bound[i].ProtectionText);
            _loops[i].Start();
        }

        AcceptLoop NewLoop(Listener listener)
        {
            var entrance = new Entrance(this, listener);
            return new AcceptLoop(listener, transport => Accepted(transport, entrance), settings.Connection);
        }
    }
}
