namespace SocketKit.Clock;

/// <summary>
/// The monotonic time of the clock's last tick, for what needs no better: reading it costs a load. Written by the clock alone.
/// </summary>
internal sealed class CoarseTime
{
    private long _now;

    /// <summary>Ticks of 100 ns.</summary>
    public long Now
    {
        get => Volatile.Read(ref _now);
        set => Volatile.Write(ref _now, value);
    }
}
