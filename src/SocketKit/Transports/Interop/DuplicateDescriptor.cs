using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace SocketKit.Transports.Interop;

/// <summary>A second descriptor of a socket, on systems of the Unix family. The socket is closed when both are.</summary>
internal sealed partial class DuplicateDescriptor : SafeHandleMinusOneIsInvalid
{
    // fcntl(2): F_DUPFD_CLOEXEC.
    private static readonly int DuplicateCloseOnExec = OperatingSystem.IsLinux() ? 1030 : OperatingSystem.IsFreeBSD() ? 17 : 67;

    // EMFILE and ENFILE, the same on all of them.
    private const int TooManyInProcess = 24;
    private const int TooManyInSystem = 23;

    private DuplicateDescriptor(int number)
        : base(ownsHandle: true) => SetHandle(number);

    public int Number => (int)handle;

    /// <summary>Duplicates a socket's; null when the socket is closed.</summary>
    /// <exception cref="SocketException">The process has no descriptor left.</exception>
    [UnsupportedOSPlatform("windows")]
    public static DuplicateDescriptor? Of(Socket socket)
    {
        var error = 0;
        var number = Call(socket, descriptor =>
        {
            var duplicate = Duplicate(descriptor);
            error = duplicate < 0 ? Marshal.GetLastPInvokeError() : 0;
            return duplicate;
        });
        return number >= 0 ? new DuplicateDescriptor(number)
            : error is TooManyInProcess or TooManyInSystem ? throw WireErrors.From(SocketError.TooManyOpenSockets)
            : null;
    }

    /// <summary>
    /// Resets a TCP connection, whoever else has a descriptor of it (connect(2): "unspecified" dissolves the association). False: the
    /// system has no such call, or it is over already.
    /// </summary>
    public static bool Reset(Socket socket) => OperatingSystem.IsLinux() && Call(socket, static descriptor =>
    {
        Span<byte> nowhere = stackalloc byte[16];
        nowhere.Clear();
        return Connect(descriptor, nowhere, nowhere.Length);
    }) == 0;

    /// <summary>Calls the system with the socket's number, which is nobody else's meanwhile; -1 when the socket is closed.</summary>
    private static int Call(Socket socket, Func<int, int> call)
    {
        var held = false;
        var handle = socket.SafeHandle;
        try
        {
            handle.DangerousAddRef(ref held);
            return call((int)handle.DangerousGetHandle());
        }
        catch (ObjectDisposedException)
        {
            return -1;
        }
        finally
        {
            if (held)
            {
                handle.DangerousRelease();
            }
        }
    }

    protected override bool ReleaseHandle()
    {
        _ = Close((int)handle);
        return true;
    }

    private static int Duplicate(int descriptor) => OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
        ? FileControlOnStack(descriptor, DuplicateCloseOnExec, 0, 0, 0, 0, 0, 0, 0)
        : FileControl(descriptor, DuplicateCloseOnExec, 0);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FileControl(int descriptor, int command, int argument);

    // fcntl takes a variable number of arguments, and Apple's arm64 takes those from the stack: six fillers use the registers up.
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FileControlOnStack(
        int descriptor, int command, nint third, nint fourth, nint fifth, nint sixth, nint seventh, nint eighth, nint argument);

    [LibraryImport("libc", EntryPoint = "connect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Connect(int descriptor, ReadOnlySpan<byte> address, int length);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
