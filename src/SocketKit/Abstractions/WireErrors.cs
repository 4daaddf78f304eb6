using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SocketKit;

/// <summary>The exceptions of the shipped wires, made in one place so that they look alike.</summary>
internal static class WireErrors
{
    /// <summary>This side called <see cref="Transport.Abort"/>, or the wire is already released.</summary>
    public static IOException Aborted() =>
        new("The connection was aborted by this side", new SocketException((int)SocketError.OperationAborted));

    // .NET's own values are above -2.
    private const int FirstUnnamed = -1000;

    /// <summary>The wire's own error; <see cref="SocketException.SocketErrorCode"/> tells which.</summary>
    public static SocketException From(SocketError error) => (int)error <= FirstUnnamed
        ? new SocketException((int)SocketError.SocketError, Describe(FirstUnnamed - (int)error))
        : new SocketException((int)error);

    /// <summary>
    /// An error number of the system's for which .NET has no name, in place of one of its values; <see cref="From"/> tells the number and
    /// what the system calls it.
    /// </summary>
    public static SocketError Unnamed(int number) => (SocketError)(FirstUnnamed - number);

    /// <summary>The peer, or something on the way, has reset the connection.</summary>
    public static bool IsReset(Exception exception) =>
        (exception as SocketException ?? exception.InnerException as SocketException)?.SocketErrorCode
            is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown;

    /// <summary>What the system calls an error, and its number.</summary>
    public static string Describe(int number) => $"{Marshal.GetPInvokeErrorMessage(number)} (error {number})";
}
