using System.Runtime.InteropServices;

namespace SocketKit.Transports.Unix;

/// <summary>Linux's system calls around socket files. glibc or musl; numbers are those of x64 and arm64.</summary>
internal static partial class UnixNative
{
    /// <summary>struct statx (statx(2)), which all architectures share, unlike struct stat.</summary>
    public const int StatusLength = 256;

    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;

    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint TypeModeAndNode = 0x1 | 0x2 | 0x100;
    private const int OpenCloseOnExec = 0x80000;

    // O_DIRECTORY is one of the few flags that differ.
    private static readonly int OpenFolder = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    private static readonly nint StatusNumber = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 291 : 332;

    /// <summary>Describes a file; symbolic links are not followed. -1: it cannot be described.</summary>
    public static unsafe int Status(string path, byte* status) => (int)SystemCall(StatusNumber, CurrentFolder, path, NoFollow, TypeModeAndNode, status);

    /// <summary>A descriptor of a folder, to lock it by; or -1.</summary>
    public static int OpenDirectory(string path) => Open(path, OpenFolder | OpenCloseOnExec, 0);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int ChangeMode(int descriptor, uint mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags, int mode);

    // By its number: older C libraries have no function for it.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint SystemCall(nint number, nint folder, string path, nint flags, nuint mask, byte* status);
}
