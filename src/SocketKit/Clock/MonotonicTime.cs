namespace SocketKit.Clock;

/// <summary>Time that no change of the system's clock touches, from a beginning that means nothing.</summary>
internal static class MonotonicTime
{
    /// <summary>The time now, in ticks of 100 ns.</summary>
    public static long Now(TimeProvider time) => time.GetElapsedTime(0, time.GetTimestamp()).Ticks;
}
