using System.Globalization;

namespace SocketKit.Load.Driving;

/// <summary>How busy the machine is: what other programs take away shows in the figures.</summary>
internal static class OtherPrograms
{
    private const string Counters = "/proc/stat";
    private const double TicksPerSecond = 100;

    /// <summary>Processor time of all programs since the machine's start, without interrupts, or null where it is not told.</summary>
    public static TimeSpan? BusyTime => File.Exists(Counters) ? Parse(File.ReadLines(Counters).First()) : null;

    /// <summary>
    /// Reads the line of all processors: user, nice, system, idle, iowait, irq, softirq, steal; a guest's time is in user.
    /// </summary>
    public static TimeSpan Parse(string line)
    {
        var ticks = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(number => long.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        return TimeSpan.FromSeconds((ticks[0] + ticks[1] + ticks[2] + ticks[7]) / TicksPerSecond);
    }
}
