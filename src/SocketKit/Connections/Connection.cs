using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using SocketKit.Clock;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>
/// One connection, the same class for a server's and a client's end. The parts of this class:
/// <list type="bullet">
/// <item><c>Connection.cs</c>: what users see, and the shared state;</item>
/// <item><c>Connection.Open.cs</c>: the beginning;</item>
/// <item><c>Connection.Receive.cs</c>: the loop that everything comes from, to the end of the input;</item>
/// <item><c>Connection.Parse.cs</c>: the framer, and the guards around it;</item>
/// <item><c>Connection.Dispatch.cs</c>: handler calls, one at a time, and the mailbox of an asynchronous handler;</item>
/// <item><c>Connection.Send.cs</c>: framing what is sent, limits and back-pressure; <c>Connection.Flush.cs</c>: the cork, and giving it to the wire;</item>
/// <item><c>Connection.Requests.cs</c>: requests and their responses;</item>
/// <item><c>Connection.Pulse.cs</c>: what the clock does each tick: deadlines, slow consumers, and when it passes the connection over; <c>Connection.Heartbeat.cs</c>: heartbeats;</item>
/// <item><c>Connection.Observe.cs</c>: what metrics and traces want of all this;</item>
/// <item><c>Connection.Statistics.cs</c>: what users may know of it;</item>
/// <item><c>Connection.Drain.cs</c>: what a stop of the server still takes in;</item>
/// <item><c>Connection.Close.cs</c>: the first cause of death, graceful and abrupt ends; <c>Connection.StoppedClock.cs</c>: what a test is told whose clock stands still; <c>Connection.Release.cs</c>: what comes after them.</item>
/// </list>
/// Invariants: <see cref="_gate"/> guards all state that is not said to belong to the receive loop or the clock. No user code but the framer's Write runs under it, and no verb of the wire is called
/// under it. Whoever sets <see cref="_flushing"/> owns the wire's sending end until it clears it; the receive loop owns the receiving end.
/// </summary>
[DebuggerDisplay("{DebuggerText,nq}")]
[SuppressMessage("Reliability", "CA1001", Justification = "The cancellation sources have neither timers nor wait handles, so there is nothing to dispose of.")]
internal sealed partial class Connection : IConnection, ITransportObserver, ITicked, IHandlerHost
{
    private static long _lastId;

    private ShortLock _gate;
    private readonly Transport _transport;
    private readonly ConnectionSettings _settings;
    private readonly IConnectionOwner _owner;
    private ExecutionContext _context = HandlerContext.Default;
    private SynchronizationContext? _synchronization;
    private ConnectionHandler? _handler;
    private string? _name;

    public Connection(Transport transport, ConnectionSettings settings, IConnectionOwner owner)
    {
        _transport = transport;
        _settings = settings;
        _owner = owner;
        _began = Now;
        _deadline = _began + settings.OpenTimeout.Ticks;
        Id = Interlocked.Increment(ref _lastId);
    }

    public long Id { get; }

    public EndPoint? LocalEndPoint => _transport.LocalEndPoint;

    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    public T? Find<T>()
        where T : class => _transport.Find<T>();

    public Encoding TextEncoding => _settings.TextEncoding;

    public bool IsServer => _owner.IsServer;

    public ISocketServer Server => _owner.Server;

    public Listener Listener => _owner.Listener;

    public ISocketClient Client => _owner.Client;

    public ConnectionHandler Handler => _handler ?? throw new InvalidOperationException("The connection is not open yet");

    public string? Name => Volatile.Read(ref _name);

    /// <summary>Monotonic time in ticks of 100 ns.</summary>
    private long Now
    {
        get
        {
            try
            {
                return MonotonicTime.Now(_settings.TimeProvider);
            }
#pragma warning disable CA1031 // A clock of somebody else's: no time passes for this connection then, but it can still end.
            catch (Exception)
#pragma warning restore CA1031
            {
                return _began;
            }
        }
    }

    public IDictionary<object, object?> Items
    {
        get
        {
            using (_gate.Enter())
            {
                return Extras.Items ??= ConnectionItems.Create();
            }
        }
    }

    public ValueTask<IConnection?> SetNameAsync(string name, CancellationToken cancellationToken = default) =>
        Register(name, static (connection, name) => connection._owner.SetName(connection, name), cancellationToken);

    public ValueTask<bool> TrySetNameAsync(string name, CancellationToken cancellationToken = default) =>
        Register(name, static (connection, name) => connection._owner.TrySetName(connection, name), cancellationToken);

    /// <summary>Complete when it returns: the register is this process's.</summary>
    private ValueTask<T> Register<T>(string name, Func<Connection, string, T> register, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, 256, nameof(name));
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T>(cancellationToken);
        }

        try
        {
            return ValueTask.FromResult(register(this, name));
        }
        catch (ConnectionClosedException exception)
        {
            return ValueTask.FromException<T>(exception);
        }
    }

    /// <summary>Notes the name; the owner keeps the register.</summary>
    internal void NoteName(string name) => Volatile.Write(ref _name, name);

    void ITransportObserver.PeerFinished() => PeerEnd.Finish();

    void ITransportObserver.PeerGone(Exception exception) => PeerEnd.Fail(exception);

    void ITransportObserver.CompletionTakesLong()
    {
        if (TryLiftCork(lifts: true, flushes: true))
        {
            Flush();
        }
    }

    void ITransportObserver.LoopBlocked(TimeSpan time, bool goesOn)
    {
        var handler = HandlerName;
        var level = _settings.HeldLoops.IsFirst(handler) ? LogLevel.Debug
            : _settings.Floods.LevelOf(LogLevel.Warning, "handlers that hold their event loop");
        Log.HandlerBlocks(_settings.Logger, level, Id, this, handler, (long)time.TotalMilliseconds, goesOn ? " so far" : "");
    }

    void ITransportObserver.NoThreadLeft()
    {
        var level = _settings.Floods.LevelOf(LogLevel.Error, "handlers that block while no thread is left");
        Log.NoThreadLeft(_settings.Logger, level, Id, this, HandlerName);
    }

    void IHandlerHost.HandlerFailed(Exception exception) => HandlerThrew(exception);

    void ITransportObserver.CompletionFailed(Exception exception) => Escaped(exception);

    private void Escaped(Exception exception)
    {
        LogFailure(HandlerName, exception);
        TransportFailed(exception);
    }

    /// <summary>A line for code of the user's that threw. A peer may bring it about again and again, so lines of one kind are held back then.</summary>
    private void LogFailure(string whose, Exception exception)
    {
        var level = _settings.Floods.LevelOf(LogLevel.Error, $"failures by {exception.GetType().Name}");
        Log.HandlerFailed(_settings.Logger, level, Id, this, whose, exception);
    }

    private void LogFramerFailure(Exception exception)
    {
        var level = _settings.Floods.LevelOf(LogLevel.Error, "framers that failed");
        var framer = _settings.Framer.GetType().Name;
        Log.FramerFailed(_settings.Logger, level, Id, this, framer, exception);
    }

    private string HandlerName => _handler?.GetType().Name ?? "the connect hook or the handler's factory";

    // A peer may bind its end of a Unix socket to any name.
    private string Peer
    {
        get
        {
            try
            {
                return LogText.NameOf(RemoteEndPoint);
            }
#pragma warning disable CA1031 // A wire of somebody else's; log lines are written of what has failed, too.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                return $"(a wire whose RemoteEndPoint threw {exception.GetType().Name})";
            }
        }
    }

    // Without the lock: the thread that holds it may be the one that the debugger has stopped.
    private string DebuggerText => $"#{Id} {this}, {_reason?.ToString() ?? (_draining ? "draining" : _opened ? "open" : "opening")}";

    /// <summary>The peer for logs: the name if there is one, and the address.</summary>
    public override string ToString() => Name is { } name ? $"{LogText.Escape(name)} ({Peer})" : Peer;
}
