using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SocketKit.Transports.Interop;

/// <summary>Linux's system calls around socket files. glibc or musl.</summary>
internal static partial class UnixNative
{
    /// <summary>struct statx (statx(2)), which all architectures share, unlike struct stat.</summary>
    public const int StatusLength = 256;

    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;

    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint TypeModeOwnerAndNode = 0x1 | 0x2 | 0x8 | 0x100;
    private const int OpenReadWrite = 0x2;
    private const int OpenCreate = 0x40;
    private const int OpenNonBlocking = 0x800;
    private const int OpenCloseOnExec = 0x80000;
    private const int OpenPathOnly = 0x200000;
    private const int OwnerOnly = 0x180;

    // O_NOFOLLOW is one of the few flags that differ.
    private static readonly int OpenNoFollow = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.Arm or Architecture.Armv6 or Architecture.Arm64 or Architecture.Ppc64le => 0x8000,
        _ => 0x20000,
    };

    private static readonly nint StatusNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 332,
        Architecture.X86 or Architecture.Ppc64le => 383,
        Architecture.Arm or Architecture.Armv6 => 397,
        Architecture.S390x => 379,

        // arm64, and what came after it, which share one table.
        _ => 291,
    };

    /// <summary>Describes a file. -1: it cannot be described.</summary>
    public static unsafe int Status(string path, bool follows, byte* status) =>
        (int)SystemCall(StatusNumber, CurrentFolder, path, follows ? 0 : NoFollow, TypeModeOwnerAndNode, status);

    /// <summary>Describes what a descriptor stands for. -1: it cannot be described.</summary>
    public static unsafe int Status(int descriptor, byte* status) => (int)SystemCall(StatusNumber, descriptor, "", EmptyPath, TypeModeOwnerAndNode, status);

    /// <summary>A descriptor that stands for a file, whatever its type, and for a symbolic link itself; or -1.</summary>
    public static int OpenPath(string path) => Open(path, OpenPathOnly | OpenNoFollow | OpenCloseOnExec, 0);

    /// <summary>
    /// A descriptor to lock by, of a file that its owner alone can open; it is made where there is none. A symbolic link is not followed.
    /// Or -1.
    /// </summary>
    public static int OpenLock(string path) => Open(path, OpenReadWrite | OpenCreate | OpenNoFollow | OpenNonBlocking | OpenCloseOnExec, OwnerOnly);

    /// <summary>Sets the permissions of what a descriptor of <see cref="OpenPath"/> stands for.</summary>
    public static int ChangeModeOf(int descriptor, uint mode) => ChangeMode($"/proc/self/fd/{descriptor}", mode);

    /// <summary>
    /// Asks Linux to let no peer send descriptors, which nobody here takes: the last close of one is the receiver's, and may take as long
    /// as the peer likes (SO_LINGER). Accepted sockets inherit it. Since Linux 6.16; before that, nothing happens.
    /// </summary>
    [SupportedOSPlatform("linux")]
    public static void RefuseDescriptors(Socket socket)
    {
        const int SocketLevel = 1;
        const int PassRights = 83;
        var no = 0;
        _ = SetOption((int)socket.Handle, SocketLevel, PassRights, in no, sizeof(int));
    }

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int descriptor, int level, int option, in int value, uint length);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int ChangeMode(int descriptor, uint mode);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ChangeMode(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Remove(string path);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags, int mode);

    /// <summary>The user that this process acts as.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial uint EffectiveUser();

    // By its number: older C libraries have no function for it.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint SystemCall(nint number, nint folder, string path, nint flags, nuint mask, byte* status);
}
