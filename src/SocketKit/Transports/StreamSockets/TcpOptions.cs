using System.Net.Sockets;

namespace SocketKit.Transports.StreamSockets;

/// <summary>The options of every TCP socket: no Nagle delay, and, unless <see cref="TcpLiveness"/> says otherwise, a dead peer is found
/// in 30 s without a byte of the application's.</summary>
internal static class TcpOptions
{
    /// <summary>A silent connection is probed after 6, 8 or 10 s, and then every 2 s; the peer is dead after 26 to 30 s.</summary>
    public const int ShortestKeepAliveSeconds = 6;
    public const int KeepAliveIntervalSeconds = 2;
    public const int DeadAfterSeconds = 30;
    private const int KeepAliveSteps = 3;

    /// <summary>
    /// So many behind the latest first probe are over after 30 s. Accepted sockets inherit it, whichever second they begin in.
    /// </summary>
    private const int KeepAliveRetries = (DeadAfterSeconds - ShortestKeepAliveSeconds - (KeepAliveIntervalSeconds * (KeepAliveSteps - 1))) / KeepAliveIntervalSeconds;

    private const int LinuxSocketLevel = 1;
    private const int LinuxReusePort = 15;
    private const int LinuxTcpUserTimeout = 18;

    private static int _turn;

    /// <summary>True when an accepted socket has these options already because its listener has them.</summary>
    public static bool AreInherited { get; } = OperatingSystem.IsLinux();

    /// <summary>
    /// After how many seconds of silence the next connection is probed. They take turns: the probes of thousands that came at once would
    /// be more at once than the kernel's queue takes.
    /// </summary>
    public static int NextKeepAliveSeconds() =>
        ShortestKeepAliveSeconds + (KeepAliveIntervalSeconds * (int)((uint)Interlocked.Increment(ref _turn) % KeepAliveSteps));

    /// <summary>Gives an accepted socket, which has its listener's options, its own time until the first probe.</summary>
    public static void SpreadKeepAlive(Socket accepted) =>
        accepted.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, NextKeepAliveSeconds());

    /// <summary>Sets them on a listener, a dialling socket or an accepted one.</summary>
    public static void Apply(Socket socket, TcpLiveness liveness, TimeSpan slowConsumerTimeout)
    {
        socket.NoDelay = true;
        if (liveness.KeepAlive)
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, NextKeepAliveSeconds());
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveRetries);
        }

        if (OperatingSystem.IsLinux() && liveness.UserTimeoutMilliseconds(slowConsumerTimeout) is var milliseconds and > 0)
        {
            socket.SetRawSocketOption(TcpInfo.Level, LinuxTcpUserTimeout, BitConverter.GetBytes(milliseconds));
        }
    }

    /// <summary>Lets several listeners share an address; the kernel deals the connections out among them. Linux.</summary>
    public static void ReusePort(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw WireErrors.From(SocketError.OperationNotSupported);
        }

        socket.SetRawSocketOption(LinuxSocketLevel, LinuxReusePort, BitConverter.GetBytes(1));
    }

    /// <summary>
    /// The connection is over in the kernel although this side has not finished: what shows as the end of the stream was a reset, whose
    /// error the other verb has taken. Linux; false where it cannot be told.
    /// </summary>
    public static bool WasReset(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        Span<byte> state = stackalloc byte[1];
        try
        {
            return socket.GetRawSocketOption(TcpInfo.Level, TcpInfo.Option, state) == state.Length && state[0] == TcpInfo.Closed;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Released meanwhile.
            return false;
        }
    }

    /// <summary>How many bytes the peer has acknowledged, by Linux's tcp_info (since 4.1); 0 where it cannot be told.</summary>
    public static long Acknowledged(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        Span<byte> info = stackalloc byte[TcpInfo.BytesAcked + sizeof(long)];
        try
        {
            return socket.GetRawSocketOption(TcpInfo.Level, TcpInfo.Option, info) == info.Length ? BitConverter.ToInt64(info[TcpInfo.BytesAcked..]) : 0;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Reset or released: no progress any more.
            return 0;
        }
    }
}
