using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>
/// Keeps the last descriptors of the process out of the hands of newcomers, and of dials. The runtime needs two for every thread that it
/// starts and ends the process when it gets none, and the application may want to write a file.
/// On Unix a new descriptor is the lowest free number, so its number tells how many are in use. Where there is no such limit, nothing is
/// ever short.
/// </summary>
internal static partial class Descriptors
{
    private const int Reserve = 16;
    private const int LinuxNumberOfFiles = 7;
    private const int OtherNumberOfFiles = 8;

    private static readonly long FirstReserved = Limit() - Reserve;

    /// <summary>The descriptor that was just made is one of the last.</summary>
    public static bool AreShort(nint newest) => newest >= FirstReserved;

    /// <summary>Refuses a descriptor that was just made to dial with, when it is one of the last.</summary>
    /// <exception cref="SocketException">It is; the message says how many are kept back.</exception>
    public static void ThrowIfShort(nint newest)
    {
        if (AreShort(newest))
        {
            throw new SocketException((int)SocketError.TooManyOpenSockets,
                $"Too many open files: the last {Reserve} descriptors of the process are not dialled with (ulimit -n)");
        }
    }

    /// <summary>Asks the system, when they were short before.</summary>
    public static bool AreStillShort()
    {
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            return AreShort(probe.Handle);
        }
        catch (SocketException exception)
        {
            // Not even one is left; any other error says nothing about that.
            return exception.SocketErrorCode == SocketError.TooManyOpenSockets;
        }
    }

    private static long Limit()
    {
        if (OperatingSystem.IsWindows())
        {
            return long.MaxValue;
        }

        if (GetLimit(OperatingSystem.IsLinux() ? LinuxNumberOfFiles : OtherNumberOfFiles, out var limit) != 0)
        {
            return long.MaxValue;
        }

        // A 32-bit glibc has two fields of 32 bits, a 32-bit musl two of 64.
        var current = Environment.Is64BitProcess || limit.Maximum != 0 ? limit.Current : (uint)limit.Current;
        return current < int.MaxValue ? (long)current : long.MaxValue;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetLimit(int resource, out ResourceLimit limit);

    private struct ResourceLimit
    {
        public ulong Current;
        public ulong Maximum;
    }
}
