using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace SocketKit.AspNetCore.Endpoints;

/// <summary>A SocketKit protocol finds a dead peer in 30 s on Kestrel's end points too, where the transport does not ask for it:
/// Kestrel's own does not, and ours leaves it to its options.</summary>
internal static class DeadPeers
{
    private const int FoundSeconds = 30;
    private const int ShortestKeepAliveSeconds = 6;
    private const int KeepAliveIntervalSeconds = 2;
    private const int KeepAliveSteps = 3;
    private const int LinuxTcpLevel = 6;
    private const int LinuxTcpUserTimeout = 18;

    private static int _turn;

    private static readonly TimeSpan Least = TimeSpan.FromSeconds(FoundSeconds);

    /// <summary>Has the kernel look for the end of this peer, as on SocketKit's own listeners. What the transport has set stays.</summary>
    /// <param name="connection">Left alone unless it is TCP.</param>
    /// <param name="slowConsumerTimeout">The time-out for unacknowledged bytes is never shorter, since it also counts a live peer that
    /// only does not read.</param>
    public static void LookFor(ConnectionContext connection, TimeSpan slowConsumerTimeout)
    {
        if (connection.Features.Get<IConnectionSocketFeature>() is not { } feature)
        {
            return;
        }

        try
        {
            // Of ours a view for the moment: one that the connection keeps is a second descriptor for as long.
            using var view = (feature as Connections.TransportConnection)?.CreateSocketView();
            var socket = view ?? feature.Socket;
            if (socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
            {
                Probe(socket);
                LimitUnacknowledged(socket, slowConsumerTimeout);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The connection is gone already, which its first read tells.
        }
    }

    private static void Probe(Socket socket)
    {
        if (socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive) is not 0)
        {
            return;
        }

        // Spread, since the kernel drops some of the probes of thousands that came at once.
        var seconds = ShortestKeepAliveSeconds + (KeepAliveIntervalSeconds * (int)((uint)Interlocked.Increment(ref _turn) % KeepAliveSteps));
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, (FoundSeconds - seconds) / KeepAliveIntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
    }

    /// <summary>Probes rest while bytes are on their way.</summary>
    private static void LimitUnacknowledged(Socket socket, TimeSpan slowConsumerTimeout)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        Span<byte> value = stackalloc byte[sizeof(int)];
        socket.GetRawSocketOption(LinuxTcpLevel, LinuxTcpUserTimeout, value);
        if (BitConverter.ToInt32(value) == 0)
        {
            var timeout = slowConsumerTimeout > Least ? slowConsumerTimeout : Least;
            var milliseconds = (int)Math.Min(timeout.TotalMilliseconds, int.MaxValue);
            socket.SetRawSocketOption(LinuxTcpLevel, LinuxTcpUserTimeout, BitConverter.GetBytes(milliseconds));
        }
    }
}
