using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace SocketKit.AspNetCore.Endpoints;

/// <summary>A SocketKit protocol finds a dead peer in 30 s on Kestrel's end points too, where the transport does not ask for it: Kestrel's own does not, and ours leaves it to its options.</summary>
internal static class DeadPeers
{
    private const int KeepAliveSeconds = 10;
    private const int KeepAliveIntervalSeconds = 5;
    private const int KeepAliveRetries = 4;

    /// <summary>Has the kernel probe this connection while it is silent, unless it does already or there is no TCP socket.</summary>
    public static void LookFor(ConnectionContext connection)
    {
        if (connection.Features.Get<IConnectionSocketFeature>() is not { } feature)
        {
            return;
        }

        try
        {
            var socket = feature.Socket;
            if (socket.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6) || socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive) is not 0)
            {
                return;
            }

            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveRetries);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The connection is gone already, which its first read tells.
        }
    }
}
