namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// Linux's struct tcp_info (linux/tcp.h), as far as it is used: the state in its first byte, and since 4.1 the bytes that the peer has
/// acknowledged.
/// </summary>
internal static class TcpInfo
{
    public const int Level = 6;
    public const int Option = 11;
    public const int BytesAcked = 120;

    /// <summary>TCP_KEEPIDLE, an option beside it.</summary>
    public const int KeepIdle = 4;

    /// <summary>TCP_CLOSE.</summary>
    public const int Closed = 7;
}
