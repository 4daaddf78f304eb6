using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// The ends of a socket as users see them: an IPv4 peer of a dual-stack socket shows as IPv4, the end of a Unix socket with the process
/// that holds it.
/// </summary>
internal static class EndPoints
{
    /// <exception cref="SocketException">The connection is gone.</exception>
    public static EndPoint? Local(Socket socket) =>
        socket.LocalEndPoint is { } endPoint ? Shown(endPoint, endPoint is UnixEndPoint ? PeerCredentials.Own() : null) : null;

    /// <exception cref="SocketException">The connection is gone.</exception>
    public static EndPoint? Remote(Socket socket) => socket.RemoteEndPoint switch
    {
        null => null,

        // With a path at this end, the other one has connected to it, and its name is its own choice.
        UnixEndPoint unix when socket.LocalEndPoint is UnixEndPoint { Path: not null } => UnixEndPoint.OfPeer(unix.Path, PeerCredentials.Read(socket)),
        UnixEndPoint unix => Shown(unix, PeerCredentials.Read(socket)),
        var endPoint => Shown(endPoint, null),
    };

    private static EndPoint Shown(EndPoint endPoint, UnixCredentials? credentials) => endPoint switch
    {
        IPEndPoint { Address.IsIPv4MappedToIPv6: true } ip => new IPEndPoint(ip.Address.MapToIPv4(), ip.Port),
        UnixEndPoint unix => new UnixEndPoint(unix.Path, credentials),
        _ => endPoint,
    };
}
