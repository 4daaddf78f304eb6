using SocketKit.Heartbeats;

namespace SocketKit.Connections;

/// <summary>What a connection with a heartbeat keeps for it. Times are those of the liveness clock, in ticks of 100 ns. Connections without one spend nothing.</summary>
internal sealed class HeartbeatState
{
    /// <summary>The policy's own. Set before the policy is asked for the first time.</summary>
    public object? PolicyState;

    /// <summary>The clock is inside a call of the policy.</summary>
    public volatile bool AsksPolicy;

    // The clock's.
    public bool PulseBegun;
    public long LastHeard;
    public long LastSpoke;
    public long LastPing;
    public long BeatDue;
    public long PulseBegan;
    public long ArrivalMean;
    public long ArrivalDeviation;
    public bool ArrivedBefore;

    /// <summary>How far a dead peer's last chance is: after a decision to close, what waits in front of the engine's queue must have been received first.</summary>
    public volatile DeathCheck DeathCheck;

    // Shared between the clock and the receive loop, under the connection's gate.
    public long BeatsSent;
    public long BeatsReceived;
    public BeatRate Rate;
    public int PingsOutstanding;
    public long PingSentAt;
    public TimeSpan RoundTrip;
    public byte[]? HeldPong;
}

/// <summary>The last chance of a peer that the policy takes for dead.</summary>
internal enum DeathCheck
{
    None,

    /// <summary>A turn stands in the engine's queue, behind what the engine has seen of the connection.</summary>
    Queued,

    /// <summary>The turn is over.</summary>
    Done,
}
