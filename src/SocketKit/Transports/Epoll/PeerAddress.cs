using System.Net;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// A peer's address in 16 bytes, made into an end point when somebody asks: with ten thousand idle connections nobody does.
/// </summary>
internal struct PeerAddress
{
    private readonly uint _address;
    private readonly ushort _port;
    private EndPoint? _endPoint;

    public PeerAddress(EndPoint? endPoint) => _endPoint = endPoint;

    private PeerAddress(uint address, ushort port)
    {
        _address = address;
        _port = port;
    }

    /// <summary>The end point; null where the peer has none.</summary>
    public EndPoint? EndPoint => _endPoint ??= _port == 0 ? null : new IPEndPoint(_address, _port);

    /// <summary>Reads the kernel's, of a peer that has connected.</summary>
    /// <param name="descriptor">The connection, for the process at the other end of a Unix socket.</param>
    /// <param name="raw">The address.</param>
    public static PeerAddress Read(Descriptor descriptor, ReadOnlySpan<byte> raw) =>
        SocketAddresses.TryReadInternet(raw, out var address, out var port) ? new PeerAddress(address, port) : new PeerAddress(Named(descriptor, SocketAddresses.Read(raw)));

    /// <summary>What was dialled.</summary>
    public static PeerAddress Dialled(Descriptor descriptor, EndPoint endPoint) => new(WithCredentials(descriptor, endPoint));

    private static EndPoint? Named(Descriptor descriptor, EndPoint? endPoint) =>
        endPoint is UnixEndPoint unix ? UnixEndPoint.OfPeer(unix.Path, SocketAddresses.Credentials(descriptor)) : endPoint;

    // At once: after an abort the kernel cannot be asked any more.
    private static EndPoint? WithCredentials(Descriptor descriptor, EndPoint? endPoint) =>
        endPoint is UnixEndPoint unix ? new UnixEndPoint(unix.Path, SocketAddresses.Credentials(descriptor)) : endPoint;
}
