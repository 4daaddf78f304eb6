using System.Runtime.InteropServices;

namespace SocketKit.TestPeer;

/// <summary>Linux's TCP_USER_TIMEOUT, which the library sets to 30 s or more: no test waits that long.</summary>
internal static partial class KernelPatience
{
    private const int TcpLevel = 6;
    private const int UserTimeout = 18;

    /// <summary>Sets it on all TCP sockets of the process; other descriptors refuse it.</summary>
    public static void Set(int milliseconds)
    {
        foreach (var path in Directory.GetFiles("/proc/self/fd"))
        {
            _ = SetOption(int.Parse(Path.GetFileName(path), null), TcpLevel, UserTimeout, milliseconds, sizeof(int));
        }
    }

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int descriptor, int level, int name, in int value, int length);
}
