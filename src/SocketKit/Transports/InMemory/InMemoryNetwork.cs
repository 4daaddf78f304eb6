using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.InMemory;

namespace SocketKit;

/// <summary>
/// A network inside the process, for tests: servers and clients talk over it without a socket. It behaves like TCP (back-pressure,
/// half-close, resets) and is deterministic: when an awaited send, dial, close or an advance of virtual time returns, all that it can cause
/// has happened.
/// </summary>
/// <remarks>
/// Thread-safe; nothing to dispose. Whatever completes (receives, accepts, yields, sends that had to wait) completes on one thread of the
/// network's own, one at a time. A call from any other thread that causes something blocks until that thread has nothing left to do, for 10
/// s at most; so a caller must hold no lock that a handler takes. An <c>await</c> in a handler comes back to the network's thread, too. A
/// handler that blocks, blocks the network: what depends on blocking handlers is tested over real sockets.
/// <para>In virtual time, a close that waits for its peer and a stop that waits for a handler end when that time passes: advance it
/// meanwhile. When the clock has not moved for 5 s of real time, the connection is aborted;
/// its <see cref="CloseReason.Detail"/> and the log say what it waited for, and <see cref="ISocketServer.StopAsync"/> and <see
/// cref="ISocketClient.DisconnectAsync"/> throw a <see cref="TimeoutException"/>.</para>
/// <para>A reset takes bytes with it that were not read yet, as it may on a real network. Buffers that a connection releases are
/// overwritten, so that a slice kept too long shows.</para>
/// </remarks>
[DebuggerDisplay("Listeners = {_listeners.Count}, connections = {_links.Count}")]
public sealed class InMemoryNetwork
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, InMemoryListener> _listeners = [];
    private readonly HashSet<InMemoryLink> _links = [];
    private readonly HashSet<EndPoint> _blackHoles = [];
    private readonly List<InMemoryDial> _lost = [];
    private int _dialled;

    /// <summary>Makes a network.</summary>
    /// <param name="capacity">How many bytes one direction of a connection holds that nobody has received yet; then sends wait. Default: 64
    /// KiB. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1.</exception>
    public InMemoryNetwork(int capacity = 64 * 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Capacity = capacity;
    }

    /// <summary>How many bytes one direction of a connection holds that nobody has received yet.</summary>
    public int Capacity { get; }

    internal InMemoryPump Pump { get; } = new();

    /// <summary>Names an address to listen on. It is taken when the server starts, and given back when it stops.</summary>
    /// <param name="name">Any name.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public Listener Listen(string name) => new InMemoryListener(this, new InMemoryEndPoint(name), preservesBoundaries: false);

    /// <summary>
    /// The same for connections that preserve message boundaries (<see cref="Transport.PreservesMessageBoundaries"/>), at both ends:
    /// nothing is lost or reordered on them. Dialed like any other name.
    /// </summary>
    /// <param name="name">Any name.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public Listener ListenMessages(string name) => new InMemoryListener(this, new InMemoryEndPoint(name), preservesBoundaries: true);

    /// <summary>
    /// Names an address to dial. With nobody listening there, dialling fails as <see cref="SocketError.ConnectionRefused"/>.
    /// </summary>
    /// <param name="name">The listener's name.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public Dialer Dial(string name) => new InMemoryDialer(this, new InMemoryEndPoint(name));

    /// <summary>
    /// Dials and gives the raw wire, for tests that speak bytes. Awaits on it go on in the caller's context or on the thread pool, never on
    /// the network's thread.
    /// </summary>
    /// <param name="name">The listener's name.</param>
    /// <param name="cancellationToken">Ends the wait for an address that is a black hole.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    /// <exception cref="SocketException">Nobody listens there: <see cref="SocketError.ConnectionRefused"/>.</exception>
    public ValueTask<Transport> ConnectAsync(string name, CancellationToken cancellationToken = default) =>
        ConnectAsync(new InMemoryEndPoint(name), leavesPump: true, cancellationToken);

    /// <summary>
    /// Blocks until nothing is left to happen on this network without a new cause, for 10 s at most. On the network's own thread it returns
    /// at once.
    /// </summary>
    /// <returns>False when there was still something to do after 10 s.</returns>
    public bool Settle() => Pump.Settle();

    /// <summary>
    /// Runs something on the network's own thread and blocks until nothing is left to happen, for 10 s at most. What it causes, awaits in
    /// handlers included, has happened when this returns.
    /// </summary>
    /// <param name="action">What to do; what it throws comes out here.</param>
    /// <exception cref="TimeoutException">The network's thread did not come to it within 10 s: a handler blocks it.</exception>
    public void Run(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Pump.Send(static state => ((Action)state!)(), action);
        Settle();
    }

    /// <summary>
    /// Lets virtual time pass in steps of 100 ms, the interval of the clock that drives heartbeats and time-outs, and lets everything
    /// happen after each. One large step would count as a process that did not run.
    /// </summary>
    /// <param name="time">How much time passes.</param>
    /// <param name="advance">Moves the clock: <c>fakeTimeProvider.Advance</c>.</param>
    /// <exception cref="TimeoutException">The network's thread did not come to it within 10 s: a handler blocks it.</exception>
    public void Advance(TimeSpan time, Action<TimeSpan> advance)
    {
        ArgumentNullException.ThrowIfNull(advance);
        var step = TimeSpan.FromMilliseconds(100);
        for (var left = time; left > TimeSpan.Zero; left -= step)
        {
            var next = left < step ? left : step;
            Run(() => advance(next));
        }
    }

    /// <summary>
    /// Makes an address a black hole: from now on nothing gets through to or from it, neither bytes nor ends nor resets, and nobody is
    /// told. Sends are taken until <see cref="Capacity"/> is full. New dials wait.
    /// </summary>
    /// <param name="endPoint">A listener's address, for all of its connections, or a dialling end's
    /// (<see cref="IConnection.RemoteEndPoint"/> at the server), for that one.</param>
    public void BlackHole(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        lock (_lock)
        {
            _blackHoles.Add(endPoint);
            foreach (var link in _links.Where(link => link.Touches(endPoint)))
            {
                link.Cut();
            }
        }
    }

    /// <summary>Undoes <see cref="BlackHole"/>: what was under way arrives after all, as when TCP sends again.</summary>
    /// <param name="endPoint">The address.</param>
    public void Heal(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        lock (_lock)
        {
            _blackHoles.Remove(endPoint);
            foreach (var link in _links.Where(link => link.Touches(endPoint) && !_blackHoles.Any(link.Touches)))
            {
                link.Heal();
            }

            foreach (var dial in _lost.Where(dial => dial.EndPoint.Equals(endPoint)))
            {
                dial.Retry();
            }

            _lost.RemoveAll(dial => dial.EndPoint.Equals(endPoint));
        }

        Settle();
    }

    /// <summary>Resets connections: both ends see <see cref="SocketError.ConnectionReset"/>, and bytes under way are lost.</summary>
    /// <param name="endPoint">A listener's address, for all of its connections, or a dialling end's, for that one.</param>
    public void Reset(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        lock (_lock)
        {
            foreach (var link in _links.Where(link => link.Touches(endPoint)))
            {
                link.Reset();
            }
        }

        Settle();
    }

    internal ValueTask<Transport> ConnectAsync(InMemoryEndPoint endPoint, bool leavesPump, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Transport>(cancellationToken);
        }

        InMemoryDial? lost = null;
        ValueTask<Transport> waiting = default;
        lock (_lock)
        {
            if (_blackHoles.Contains(endPoint))
            {
                lost = new InMemoryDial(this, endPoint, leavesPump);
                _lost.Add(lost);
                waiting = lost.Start();
            }
        }

        if (lost is not null)
        {
            lost.Watch(cancellationToken);
            return waiting;
        }

        try
        {
            var transport = Connect(endPoint, leavesPump);
            Settle();
            return new ValueTask<Transport>(transport);
        }
        catch (SocketException exception)
        {
            return ValueTask.FromException<Transport>(exception);
        }
    }

    /// <summary>Connects to the listener's backlog, as a kernel does.</summary>
    internal InMemoryTransport Connect(InMemoryEndPoint endPoint, bool leavesPump)
    {
        lock (_lock)
        {
            if (!_listeners.TryGetValue(endPoint.Name, out var listener))
            {
                throw WireErrors.From(SocketError.ConnectionRefused);
            }

            var link = new InMemoryLink(this, new InMemoryEndPoint($"{endPoint.Name}#{_dialled + 1}"), endPoint, leavesPump, listener.PreservesBoundaries);
            if (!listener.TryAdd(link.Listening))
            {
                throw WireErrors.From(SocketError.ConnectionRefused);
            }

            _dialled++;
            _links.Add(link);
            if (_blackHoles.Any(link.Touches))
            {
                link.Cut();
            }

            return link.Dialling;
        }
    }

    internal void Bind(InMemoryListener listener)
    {
        lock (_lock)
        {
            if (_listeners.ContainsKey(listener.Name))
            {
                throw new ListenException(listener.EndPoint, "the name is in use by another listener", WireErrors.From(SocketError.AddressAlreadyInUse));
            }

            listener.Bound();
            _listeners.Add(listener.Name, listener);
        }
    }

    internal void Unbind(InMemoryListener listener)
    {
        lock (_lock)
        {
            if (_listeners.TryGetValue(listener.Name, out var holder) && holder == listener)
            {
                _listeners.Remove(listener.Name);
            }
        }
    }

    internal void Forget(InMemoryLink link)
    {
        lock (_lock)
        {
            _links.Remove(link);
        }
    }

    internal void Forget(InMemoryDial dial)
    {
        lock (_lock)
        {
            _lost.Remove(dial);
        }
    }
}
