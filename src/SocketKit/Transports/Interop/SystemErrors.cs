using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>
/// Error numbers of Unix sockets for which .NET has no name, such as that of a full disk: its exceptions say "Unknown socket error" and
/// keep the number to themselves. Linux.
/// </summary>
internal static partial class SystemErrors
{
    /// <summary>The exception of a bind or connect, with the system's name for what .NET has none for.</summary>
    /// <param name="exception">What the runtime has thrown, which does not tell the number.</param>
    /// <param name="again">The same call once more, for its error number; 0: now it succeeds.</param>
    /// <returns>Null: it has succeeded after all.</returns>
    public static SocketException? Named(SocketException exception, Func<int> again) =>
        exception.SocketErrorCode != SocketError.SocketError || !OperatingSystem.IsLinux() ? exception
        : again() is var number and not 0 ? new SocketException((int)SocketError.SocketError, WireErrors.Describe(number))
        : null;

    /// <summary>Binds; the error number, or 0.</summary>
    public static int Bind(Socket socket, EndPoint endPoint)
    {
        var address = endPoint.Serialize();
        return Bind((int)socket.Handle, address.Buffer.Span, address.Size) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Connects; the error number, or 0.</summary>
    public static int Connect(Socket socket, EndPoint endPoint)
    {
        var address = endPoint.Serialize();
        return Connect((int)socket.Handle, address.Buffer.Span, address.Size) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Bind(int descriptor, ReadOnlySpan<byte> address, int length);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Connect(int descriptor, ReadOnlySpan<byte> address, int length);
}
