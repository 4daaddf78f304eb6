using System.Net;

namespace SocketKit.Transports.InMemory;

/// <summary>A listener on an <see cref="InMemoryNetwork"/>: connections wait in its backlog until they are accepted.</summary>
internal sealed class InMemoryListener : Listener
{
    private const int Backlog = 512;

    private readonly InMemoryNetwork _network;
    private readonly InMemoryEndPoint _endPoint;
    private readonly Lock _lock = new();
    private readonly Queue<InMemoryTransport> _backlog = new();
    private readonly Pending<Transport?> _accept;
    private bool _bound;
    private bool _stopped;

    public InMemoryListener(InMemoryNetwork network, InMemoryEndPoint endPoint, bool preservesBoundaries)
    {
        PreservesBoundaries = preservesBoundaries;
        _network = network;
        _endPoint = endPoint;
        _accept = new Pending<Transport?>(network.Pump, CompleteAccept, leavesPump: false);
    }

    public override EndPoint EndPoint => _endPoint;

    public string Name => _endPoint.Name;

    /// <summary>Of its connections, at both ends.</summary>
    public bool PreservesBoundaries { get; }

    public override ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _network.Bind(this);
        return default;
    }

    public override ValueTask<Transport?> AcceptAsync()
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return default;
            }

            if (!_bound)
            {
                throw new InvalidOperationException("The listener is not bound");
            }

            return _backlog.TryDequeue(out var transport) ? new ValueTask<Transport?>(transport) : _accept.Start();
        }
    }

    public override async ValueTask StopAsync()
    {
        InMemoryTransport[] refused;
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
            refused = [.. _backlog];
            _backlog.Clear();
            if (_accept.IsWaiting)
            {
                _accept.Queue();
            }
        }

        _network.Unbind(this);
        foreach (var transport in refused)
        {
            transport.Abort();
            await transport.DisposeAsync().ConfigureAwait(false);
        }

        _network.Settle();
    }

    public override ValueTask DisposeAsync() => StopAsync();

    public override WireProtection Protection => WireProtection.Confidential;

    public override string ProtectionText => "in memory";

    public override string ToString() => _endPoint.ToString();

    /// <summary>The name is taken. Called under the network's lock, which is taken before this one's.</summary>
    public void Bound()
    {
        lock (_lock)
        {
            if (_bound || _stopped)
            {
                throw new InvalidOperationException("The listener was bound or stopped before; make a new one");
            }

            _bound = true;
        }
    }

    /// <summary>A connection arrives; false: stopped, or the backlog is full. Called under the network's lock.</summary>
    public bool TryAdd(InMemoryTransport transport)
    {
        lock (_lock)
        {
            if (_stopped || _backlog.Count >= Backlog)
            {
                return false;
            }

            _backlog.Enqueue(transport);
            if (_accept.IsWaiting)
            {
                _accept.Queue();
            }

            return true;
        }
    }

    private void CompleteAccept()
    {
        Transport? transport = null;
        lock (_lock)
        {
            if (!_stopped)
            {
                transport = _backlog.Dequeue();
            }

            _accept.End();
        }

        _accept.Complete(transport, null);
    }
}
