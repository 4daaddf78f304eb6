using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// An engine's way to connect a socket that has its options. The transport owns the socket then; on failure the caller disposes of it.
/// </summary>
internal delegate ValueTask<Transport> StreamConnect(Socket socket, EndPoint endPoint, CancellationToken cancellationToken);
