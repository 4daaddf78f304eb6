using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// What the listeners of both engines share: one address, taken once and given back once, one accept at a time, and a shortage of
/// descriptors. What kind of address it is, is the business of <see cref="StreamAddress"/>; how connections are accepted, of the engine.
/// </summary>
internal abstract class StreamListener(StreamAddress address) : Listener
{
    private EndPoint? _bound;
    private bool _taking;
    private bool _stopped;

    public override EndPoint EndPoint => _bound ?? address.Asked;

    protected StreamAddress Address => address;

    /// <summary>Guards the listener's state, and that of <see cref="Call"/>.</summary>
    protected Lock Lock { get; } = new();

    /// <summary>The call of <see cref="AcceptAsync"/>.</summary>
    protected AcceptCall Call { get; } = new();

    /// <summary>Used while an accept waits.</summary>
    protected DescriptorShortage Shortage { get; } = new();

    /// <summary>The listening socket, from <see cref="BindAsync"/> on.</summary>
    protected Socket? Socket { get; private set; }

    /// <summary>Set under the lock, before <see cref="Stopped"/>.</summary>
    protected bool IsStopped => Volatile.Read(ref _stopped);

    public override async ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken)
    {
        lock (Lock)
        {
            if (_stopped || _taking || Socket is not null)
            {
                throw new InvalidOperationException("The listener was bound or stopped before; make a new one");
            }

            _taking = true;
        }

        try
        {
            Keep(await address.TakeAsync(services, cancellationToken).ConfigureAwait(false));
        }
        catch (SocketException exception)
        {
            throw new ListenException(address.Asked, address.Why(exception), exception);
        }
        finally
        {
            Volatile.Write(ref _taking, false);
        }
    }

    public override ValueTask<Transport?> AcceptAsync()
    {
        ValueTask<Transport?> task;
        lock (Lock)
        {
            if (_stopped)
            {
                return default;
            }

            if (Socket is null)
            {
                throw new InvalidOperationException("The listener is not bound");
            }

            task = Call.Begin();
        }

        Accept();
        return task;
    }

    public override ValueTask StopAsync()
    {
        lock (Lock)
        {
            if (_stopped)
            {
                return default;
            }

            _stopped = true;
        }

        Stopped();
        return default;
    }

    public override ValueTask DisposeAsync() => StopAsync();

    public override WireProtection Protection => address.Protection;

    public override string ProtectionText => address.ProtectionText;

    public override string ToString() => $"{address.Scheme}://{EndPoint}";

    /// <summary>The address is taken. Called once, under the lock.</summary>
    protected abstract void Bound(Socket socket);

    /// <summary>A call of <see cref="AcceptAsync"/> has begun to wait. Called outside of the lock.</summary>
    protected abstract void Accept();

    /// <summary>Gives the address back, if it was taken, and completes an accept under way. Called once.</summary>
    protected abstract void Stopped();

    /// <summary>Closes the listening socket, if there is one; the address is free when this returns.</summary>
    protected void GiveBack()
    {
        if (Socket is { } socket)
        {
            address.GiveBack(socket);
        }
    }

    private void Keep(Socket socket)
    {
        lock (Lock)
        {
            if (!_stopped)
            {
                Socket = socket;
                _bound = EndPoints.Local(socket);
                Bound(socket);
                return;
            }
        }

        address.GiveBack(socket);
        throw new InvalidOperationException("The listener was stopped while it was being bound; make a new one");
    }
}
