using System.Net.Sockets;

namespace SocketKit.Transports.InMemory;

/// <summary>
/// A dial into a black hole: waits until the address is healed or the dial is cancelled, and completes on the network's thread.
/// </summary>
internal sealed class InMemoryDial
{
    private readonly InMemoryNetwork _network;
    private readonly Lock _lock = new();
    private readonly Pending<Transport> _pending;
    private readonly bool _leavesPump;
    private CancellationToken _cancelled;
    private CancellationTokenRegistration _registration;

    public InMemoryDial(InMemoryNetwork network, InMemoryEndPoint endPoint, bool leavesPump)
    {
        _network = network;
        EndPoint = endPoint;
        _leavesPump = leavesPump;
        _pending = new Pending<Transport>(network.Pump, Complete, leavesPump);
    }

    public InMemoryEndPoint EndPoint { get; }

    public ValueTask<Transport> Start()
    {
        lock (_lock)
        {
            return _pending.Start();
        }
    }

    /// <summary>Called after <see cref="Start"/>, without a lock: a token that is cancelled already calls back at once.</summary>
    public void Watch(CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(static (state, token) => ((InMemoryDial)state!).Cancel(token), this);
        lock (_lock)
        {
            _registration = registration;
            if (_pending.IsWaiting)
            {
                return;
            }
        }

        registration.Unregister();
    }

    /// <summary>The address is healed.</summary>
    public void Retry()
    {
        lock (_lock)
        {
            if (_pending.IsWaiting)
            {
                _pending.Queue();
            }
        }
    }

    private void Cancel(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _cancelled = cancellationToken;
        }

        // No waiting until it has happened: whoever awaits the dial may dispose of the token's source, which waits for this callback.
        _network.Forget(this);
        Retry();
    }

    private void Complete()
    {
        Transport? transport = null;
        Exception? failure = null;
        lock (_lock)
        {
            // Does not wait for a callback under way, which may wait for this thread.
            _registration.Unregister();
            if (_cancelled.IsCancellationRequested)
            {
                failure = new OperationCanceledException(_cancelled);
            }
        }

        if (failure is null)
        {
            try
            {
                transport = _network.Connect(EndPoint, _leavesPump);
            }
            catch (SocketException exception)
            {
                failure = exception;
            }
        }

        lock (_lock)
        {
            _pending.End();
        }

        _pending.Complete(transport!, failure);
    }
}
