namespace SocketKit.Heartbeats;

/// <summary>Keeps a peer from flooding with heartbeats, which no application sees. Averages over at least 5 s, so that what piled up while nobody read is no flood.</summary>
internal static class BeatRate
{
    public const int DefaultMaximum = 100;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    /// <summary>Says if more came than the maximum since the window began. In the memory, A is the count at that time and B the time.</summary>
    public static bool Exceeds(int maximum, in ConnectionPulse pulse, ref HeartbeatMemory memory)
    {
        var elapsed = pulse.SinceOpened - new TimeSpan(memory.B);
        if (elapsed < Window)
        {
            return false;
        }

        var received = pulse.BeatsReceived - memory.A;
        memory.A = pulse.BeatsReceived;
        memory.B = pulse.SinceOpened.Ticks;
        return received > maximum * elapsed.TotalSeconds;
    }
}
