using System.Net.Sockets;

namespace SocketKit.Transports;

/// <summary>The exceptions of the shipped wires, made in one place so that they look alike.</summary>
internal static class WireErrors
{
    /// <summary>This side called <see cref="Transport.Abort"/>, or the wire is already released.</summary>
    public static IOException Aborted() =>
        new("The connection was aborted by this side", new SocketException((int)SocketError.OperationAborted));

    /// <summary>The wire's own error; <see cref="SocketException.SocketErrorCode"/> tells which.</summary>
    public static SocketException From(SocketError error) => new((int)error);
}
