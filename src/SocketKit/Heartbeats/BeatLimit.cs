namespace SocketKit.Heartbeats;

/// <summary>How many heartbeats a second a policy takes from a peer; more are abuse.</summary>
internal readonly struct BeatLimit
{
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public BeatLimit(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
        PerSecond = value;
    }

    public static BeatLimit Default => new(100);

    public int PerSecond { get; }

    public bool IsExceeded(in ConnectionPulse pulse) => pulse.BeatsPerSecond > PerSecond;
}
