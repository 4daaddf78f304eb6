using System.Net.Sockets;

namespace SocketKit.Transports.Interop;

/// <summary>The kernel's error numbers (the generic ABI, which x64 and arm64 share), and what they are called in .NET.</summary>
internal static class Errno
{
    public const int Interrupted = 4;
    public const int Again = 11;
    public const int InProgress = 115;
    private const int AccessDenied = 13;
    private const int TooManyInSystem = 23;
    private const int TooManyInProcess = 24;
    private const int BrokenPipe = 32;
    private const int ConnectionAborted = 103;

    /// <summary>The same condition as the portable engine's exceptions name it.</summary>
    public static SocketError ToSocketError(int number) => number switch
    {
        1 or AccessDenied => SocketError.AccessDenied,
        Again => SocketError.WouldBlock,
        12 or 105 => SocketError.NoBufferSpaceAvailable,
        22 => SocketError.InvalidArgument,
        TooManyInSystem or TooManyInProcess => SocketError.TooManyOpenSockets,
        BrokenPipe or 108 => SocketError.Shutdown,
        2 => SocketError.AddressNotAvailable,
        71 => SocketError.ProtocolNotSupported,
        91 => SocketError.ProtocolType,
        98 => SocketError.AddressAlreadyInUse,
        99 => SocketError.AddressNotAvailable,
        100 => SocketError.NetworkDown,
        101 => SocketError.NetworkUnreachable,
        102 => SocketError.NetworkReset,
        ConnectionAborted => SocketError.ConnectionAborted,
        104 => SocketError.ConnectionReset,
        107 => SocketError.NotConnected,
        110 => SocketError.TimedOut,
        111 => SocketError.ConnectionRefused,
        112 => SocketError.HostDown,
        113 => SocketError.HostUnreachable,
        InProgress => SocketError.InProgress,
        125 => SocketError.OperationAborted,
        _ => WireErrors.Unnamed(number),
    };

    /// <summary>
    /// The newcomer, not the listener, is at fault (accept(2): these errors of the new connection are to be treated like EAGAIN by trying
    /// again).
    /// </summary>
    public static bool IsOfNewcomer(int number) => number is ConnectionAborted or 71 or 92 or 100 or 101 or 112 or 113 or 64 or 95;
}
