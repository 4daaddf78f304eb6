namespace SocketKit.Clock;

/// <summary>Time that no change of the system's clock touches, from a beginning that means nothing.</summary>
internal static class MonotonicTime
{
    /// <summary>The time now, in ticks of 100 ns.</summary>
    public static long Now(TimeProvider time) => time.GetElapsedTime(0, time.GetTimestamp()).Ticks;

    /// <summary>The same from a clock of somebody else's that may throw.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="otherwise">What counts then: no time passes for whoever asks.</param>
    public static long NowOr(TimeProvider time, long otherwise)
    {
        try
        {
            return Now(time);
        }
#pragma warning disable CA1031 // See above.
        catch (Exception)
#pragma warning restore CA1031
        {
            return otherwise;
        }
    }
}
