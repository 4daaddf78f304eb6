using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Sockets;

/// <summary>Connects on the portable engine.</summary>
internal static class SocketDial
{
    /// <summary>Connects a socket that has its options.</summary>
    /// <exception cref="SocketException">The peer or the network refuses.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<Transport> ConnectAsync(Socket socket, EndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException exception) when (endPoint is UnixEndPoint && exception.SocketErrorCode == SocketError.SocketError)
        {
            throw SystemErrors.Named(exception, () => SystemErrors.Connect(socket, endPoint)) ?? exception;
        }

        // Dialling a free port of this machine may pick that very port as the source: TCP then connects the socket to itself, and would
        // keep the server from taking its address back.
        if (endPoint is IPEndPoint && Equals(socket.LocalEndPoint, socket.RemoteEndPoint))
        {
            throw WireErrors.From(SocketError.ConnectionRefused);
        }

        return new SocketTransport(socket);
    }
}
