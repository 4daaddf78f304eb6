using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Epoll;

/// <summary>A thread of this process as the kernel sees it: what it does, and what it has used.</summary>
internal readonly unsafe struct NativeThread
{
    private const int StatusLength = 64;

    // linux/posix-timers.h: the clock of a thread's processor time is its id, inverted, above three bits that say "of one thread" and "by
    // the scheduler".
    private const int ClockShift = 3;
    private const int ThreadSchedulerClock = 6;

    // struct rusage: two times of 16 bytes, then fourteen numbers of 8; the thirteenth is how often the thread gave its processor up to
    // wait.
    private const int UsageLength = 144;
    private const int UsageWaits = 128;

    private readonly int _id;

    private NativeThread(int id) => _id = id;

    /// <summary>The calling thread.</summary>
    public static NativeThread Current => new((int)Native.SystemCall(Native.GetThreadId));

    /// <summary>
    /// How often the calling thread has given its processor up to wait for something; a thread that others push aside does not count.
    /// </summary>
    public static long Waits
    {
        get
        {
            var usage = stackalloc byte[UsageLength];
            return Native.Usage(Native.UsageOfThread, usage) == 0 ? *(long*)(usage + UsageWaits) : 0;
        }
    }

    /// <summary>What the thread has used of a processor; null when the kernel does not tell.</summary>
    public TimeSpan? ProcessorTime
    {
        get
        {
            var time = stackalloc long[2];
            return Native.ClockTime((~_id << ClockShift) | ThreadSchedulerClock, time) == 0
                ? TimeSpan.FromSeconds(time[0]) + TimeSpan.FromTicks(time[1] / TimeSpan.NanosecondsPerTick)
                : null;
        }
    }

    /// <summary>The thread waits for something other than a processor. False also when the kernel does not tell.</summary>
    /// <remarks>Three short system calls: the kernel writes the answer from what it has in memory.</remarks>
    public bool IsAsleep
    {
        get
        {
            var path = stackalloc byte[StatusLength];
            if (!System.Text.Unicode.Utf8.TryWrite(new Span<byte>(path, StatusLength - 1), $"/proc/self/task/{_id}/stat", out var length))
            {
                return false;
            }

            path[length] = 0;
            var file = Native.Open(path, Native.OpenCloseOnExec, 0);
            if (file < 0)
            {
                return false;
            }

            var status = stackalloc byte[StatusLength];
            var count = (int)Native.Read(file, status, StatusLength);
            _ = Native.Close(file);
            return count > 0 && StateOf(new ReadOnlySpan<byte>(status, count)) is (byte)'S' or (byte)'D';
        }
    }

    /// <summary>The letter behind the name, which stands in parentheses; 0 without one.</summary>
    internal static byte StateOf(ReadOnlySpan<byte> status)
    {
        var end = status.LastIndexOf((byte)')');
        return end >= 0 && end + 2 < status.Length ? status[end + 2] : (byte)0;
    }
}
