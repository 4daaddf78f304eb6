using System.Net;

namespace SocketKit.Transports.Epoll;

/// <summary>A peer's address in 16 bytes, made into an end point when somebody asks: with ten thousand idle connections nobody does.</summary>
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

    /// <summary>Reads the kernel's.</summary>
    public static PeerAddress Read(ReadOnlySpan<byte> raw) =>
        SocketAddresses.TryReadInternet(raw, out var address, out var port) ? new PeerAddress(address, port) : new PeerAddress(SocketAddresses.Read(raw));
}
