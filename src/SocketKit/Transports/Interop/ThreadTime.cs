using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>The processor time of this thread, for differences. On Linux alone; elsewhere it stands still.</summary>
internal static partial class ThreadTime
{
    private const int ThisThread = 3;

    public static unsafe TimeSpan Now
    {
        get
        {
            if (!OperatingSystem.IsLinux())
            {
                return TimeSpan.Zero;
            }

            // struct timespec: two words, or on 32 bits with 64-bit time four; the kernel writes no more.
            var time = stackalloc long[4];
            if (GetTime(ThisThread, time) != 0)
            {
                return TimeSpan.Zero;
            }

            var (seconds, nanoseconds) = nint.Size == sizeof(long) ? (time[0], time[1]) : (((int*)time)[0], ((int*)time)[1]);
            return new TimeSpan((seconds * TimeSpan.TicksPerSecond) + (nanoseconds / TimeSpan.NanosecondsPerTick));
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int GetTime(int clock, long* time);
}
