using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using SocketKit.Clock;

namespace SocketKit.Connections;

/// <summary>
/// One connection, the same class for a server's and a client's end: what users see, the lock, and what carries out the decisions of its
/// parts.
/// </summary>
/// <remarks>
/// <para>
/// State belongs to the parts: <see cref="ConnectionLifecycle"/>, <see cref="MessageReader"/>, <see cref="HandlerQueue"/>,
/// <see cref="SendQueue"/>, <see cref="RequestTable"/>, <see cref="HeartbeatRunner"/>, <see cref="SlowConsumerWatch"/>,
/// <see cref="PeerEnd"/>, <see cref="InputMark"/>, <see cref="ConnectionExtras"/>, <see cref="TrafficTotals"/>. They decide under the lock.
/// This class takes the lock, asks them, and acts outside of it. The files, in the order of a connection's life:
/// </para>
/// <list type="bullet">
/// <item><c>Connection.Open.cs</c>: handshakes of the transport, then the first call of the handler;</item>
/// <item><c>Connection.Receive.cs</c>: the receive loop, from which everything comes; <c>Connection.Parse.cs</c>: bytes into
/// messages;</item>
/// <item><c>Connection.Dispatch.cs</c>: handler calls, one at a time; <c>Connection.Observe.cs</c>: who measures and traces them;</item>
/// <item><c>Connection.Send.cs</c>: messages into the queue; <c>Connection.Flush.cs</c>: the queue into the transport;</item>
/// <item><c>Connection.Requests.cs</c>: requests and their responses;</item>
/// <item><c>Connection.Pulse.cs</c>: the clock's tick; <c>Connection.Heartbeat.cs</c>: heartbeats;</item>
/// <item><c>Connection.Statistics.cs</c>: what has passed over it;</item>
/// <item><c>Connection.Drain.cs</c>: the stop of the server; <c>Connection.Close.cs</c>: the first cause of death, graceful and abrupt
/// ends; <c>Connection.Release.cs</c>: what follows them; <c>Connection.StoppedClock.cs</c>: a test whose clock stands still.</item>
/// </list>
/// <para>
/// <see cref="_lock"/> guards all state that is not said to belong to the receive loop or the clock. Under it runs no code of a user's but
/// the framer's <c>Write</c>, and no operation of the transport. Who has the flusher's role owns the sending end of the transport; the
/// receive loop owns the receiving end.
/// </para>
/// </remarks>
[DebuggerDisplay("{DebuggerText,nq}")]
[SuppressMessage("Reliability", "CA1001", Justification = "Cancellation sources without timers and wait handles: nothing to dispose of.")]
[SuppressMessage("Design", "CA1031", Justification = "What code of others throws ends this connection, and no other.")]
internal sealed partial class Connection : IConnection, ITransportObserver, ITicked, IHandlerHost
{
    private static long _lastId;

    private ShortLock _lock;
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
        _sends = new SendQueue(transport, settings);
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

    public ConnectionHandler Handler => _handler ?? throw new InvalidOperationException(
        "The handler is made when the connection is open, behind OnOpening and CreateState; keep what comes before in connection.Items");

    public string? Name => Volatile.Read(ref _name);

    /// <summary>Monotonic time in ticks of 100 ns.</summary>
    private long Now => MonotonicTime.NowOr(_settings.TimeProvider, _began);

    public IDictionary<object, object?> Items
    {
        get
        {
            using (_lock.Enter())
            {
                return Extras.Items;
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

    void ITransportObserver.LoopBlocked(TimeSpan time, bool goesOn) => _settings.Lines.HandlerBlocks(this, HandlerName, time, goesOn);

    void ITransportObserver.NoThreadLeft() => _settings.Lines.NoThreadLeft(this, HandlerName);

    void IHandlerHost.HandlerFailed(Exception exception) => HandlerThrew(exception);

    void ITransportObserver.CompletionFailed(Exception exception) => Escaped(exception);

    private void Escaped(Exception exception)
    {
        _settings.Lines.HandlerFailed(this, HandlerName, exception);
        TransportFailed(exception);
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
            catch (Exception exception)
            {
                // A transport of somebody else's; log lines are written of what has failed, too.
                return $"(a transport whose RemoteEndPoint threw {exception.GetType().Name})";
            }
        }
    }

    // Without the lock: the thread that holds it may be the one that the debugger has stopped.
    private string DebuggerText => $"#{Id} {this}, {_life}";

    /// <summary>The peer for logs: the name if there is one, and the address.</summary>
    public override string ToString() => Name is { } name ? $"{LogText.Escape(name)} ({Peer})" : Peer;
}
