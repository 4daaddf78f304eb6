using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// An address to listen on, of one kind (TCP, Unix), the same for both engines: taking it, saying why it cannot be taken, and giving it
/// back. Used by one listener.
/// </summary>
internal abstract class StreamAddress
{
    /// <summary>The address as it was asked for.</summary>
    public abstract EndPoint Asked { get; }

    /// <summary>Its kind, as in <c>tcp://</c>.</summary>
    public abstract string Scheme { get; }

    /// <summary>What it asks of its connections.</summary>
    public abstract WireProtection Protection { get; }

    /// <summary>The same for people.</summary>
    public abstract string ProtectionText { get; }

    /// <summary>What the server gave with the address to take.</summary>
    protected TransportServices Services { get; private set; } = new();

    /// <summary>Takes the address.</summary>
    /// <returns>A listening socket.</returns>
    /// <exception cref="SocketException">It cannot be taken; <see cref="Why"/> says it for people.</exception>
    /// <exception cref="ListenException">The same, said already.</exception>
    public ValueTask<Socket> TakeAsync(TransportServices services, CancellationToken cancellationToken)
    {
        Services = services;
        return TakeAsync(cancellationToken);
    }

    /// <summary>The same, with the services in <see cref="Services"/>.</summary>
    protected abstract ValueTask<Socket> TakeAsync(CancellationToken cancellationToken);

    /// <summary>Closes the socket; the address is free then.</summary>
    public abstract void GiveBack(Socket socket);

    /// <summary>Sets on an accepted socket what it does not have from its listener.</summary>
    public abstract void Prepare(Socket accepted);

    /// <summary>What is wrong, for people.</summary>
    public abstract string Why(SocketException exception);
}
