using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>
/// The system calls of the engine. Linux, glibc or musl; numbers are those of the kernel's generic ABI, which x64 and arm64 share.
/// </summary>
internal static partial class Native
{
    public const uint EpollIn = 0x1;
    public const uint EpollPri = 0x2;
    public const uint EpollOut = 0x4;
    public const uint EpollErr = 0x8;
    public const uint EpollHup = 0x10;
    public const uint EpollRdHup = 0x2000;
    public const uint EpollOneShot = 1u << 30;
    public const uint EpollEdge = 1u << 31;
    public const int ControlAdd = 1;
    public const int ControlModify = 3;
    public const int MessageNoSignal = 0x4000;
    public const int MessagePeek = 0x2;
    public const int MessageDontWait = 0x40;
    public const int DuplicateCloseOnExec = 1030;
    public const int SetFlags = 4;
    public const int ShutdownSend = 1;
    public const int SocketNonBlocking = 0x800;
    public const int SocketCloseOnExec = 0x80000;
    public const int LevelSocket = 1;
    public const int OptionError = 4;
    public const int OptionLinger = 13;
    public const int UsageOfThread = 1;
    public const int OpenCloseOnExec = 0x80000;
    public const int FamilyUnix = 1;
    public const int SocketStream = 1;

    /// <summary>FIONREAD.</summary>
    public const nuint BytesToRead = 0x541B;
    private const int EpollCloseOnExec = 0x80000;
    private const int EventNonBlocking = 0x800;
    private const string Library = "libc";

    /// <summary>gettid(2), by its number: older C libraries have no function for it.</summary>
    public static readonly nint GetThreadId = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 178 : 186;

    /// <summary>A new epoll instance, or -1.</summary>
    public static int EpollCreate() => EpollCreate1(EpollCloseOnExec);

    /// <summary>A new event counter for wakes, or -1.</summary>
    public static int EventCounter() => EventFd(0, EventNonBlocking | EpollCloseOnExec);

    /// <summary>Bytes received, or the negative error number.</summary>
    public static unsafe nint Receive(int descriptor, byte* buffer, nint length, int flags)
    {
        var count = ReceiveBytes(descriptor, buffer, length, flags);
        return count >= 0 ? count : -Marshal.GetLastSystemError();
    }

    /// <summary>Bytes that the kernel has taken, or the negative error number.</summary>
    public static unsafe nint Send(int descriptor, byte* buffer, nint length, int flags)
    {
        var count = SendBytes(descriptor, buffer, length, flags);
        return count >= 0 ? count : -Marshal.GetLastSystemError();
    }

    /// <summary>Registers or changes a descriptor.</summary>
    public static unsafe int Control(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        Span<byte> raw = stackalloc byte[EpollEvents.MaxSize];
        EpollEvents.Write(raw, events, data);
        fixed (byte* pointer = raw)
        {
            return EpollCtl(epoll, operation, descriptor, pointer);
        }
    }

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int EpollWait(int epoll, byte* events, int count, int milliseconds);

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "dup3", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Replace(int source, int target, int flags);

    [LibraryImport(Library, EntryPoint = "accept4", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int Accept(int descriptor, byte* address, int* addressLength, int flags);

    [LibraryImport(Library, EntryPoint = "connect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int Connect(int descriptor, byte* address, int addressLength);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Shutdown(int descriptor, int how);

    [LibraryImport(Library, EntryPoint = "getsockname", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int LocalName(int descriptor, byte* address, int* addressLength);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int GetOption(int descriptor, int level, int name, byte* value, int* length);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int SetOption(int descriptor, int level, int name, byte* value, int length);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int FileControl(int descriptor, int command, int argument);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int Control(int descriptor, nuint request, int* value);

    [LibraryImport(Library, EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "syscall")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint SystemCall(nint number);

    [LibraryImport(Library, EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int ClockTime(int clock, long* time);

    [LibraryImport(Library, EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int Usage(int whose, byte* usage);

    [LibraryImport(Library, EntryPoint = "open")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial int Open(byte* path, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial nint Read(int descriptor, byte* buffer, nint length);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static unsafe partial nint Write(int descriptor, byte* buffer, nint length);

    // Without SetLastError, which asks for the error number and clears it around every call: these two are the hot ones, and the number is
    // wanted only after a failure.
    [LibraryImport(Library, EntryPoint = "recv")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint ReceiveBytes(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport(Library, EntryPoint = "send")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint SendBytes(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int EpollCreate1(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int EpollCtl(int epoll, int operation, int descriptor, byte* raw);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int EventFd(uint initial, int flags);
}
