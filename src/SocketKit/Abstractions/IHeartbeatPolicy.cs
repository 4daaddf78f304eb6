using System.Buffers;

namespace SocketKit;

/// <summary>
/// Decides when to send a heartbeat and when a silent peer is dead, and knows the wire image of heartbeats. Pure functions of facts and time: no timer, socket or lock inside.
/// One instance serves all connections and is called from several threads.
/// </summary>
/// <remarks>Made to be implemented by you. A member that a minor version adds has a default implementation.</remarks>
public interface IHeartbeatPolicy
{
    /// <summary>Decides what to do now. Called when the last decision's due time has come, rounded up to the clock's 100 ms. What any of these methods throws closes the connection as <see cref="CloseKind.HandlerFailed"/>.</summary>
    /// <param name="pulse">The facts.</param>
    /// <param name="memory">A few numbers that the connection keeps for the policy; zero at first.</param>
    HeartbeatDecision Decide(in ConnectionPulse pulse, ref HeartbeatMemory memory);

    /// <summary>Says if a received message is a heartbeat; those never reach the application.</summary>
    HeartbeatKind Classify(ReadOnlySpan<byte> message);

    /// <summary>Writes the payload of a heartbeat; the framer frames it.</summary>
    /// <param name="kind">Ping: one that this side begins. Pong: the answer to <paramref name="ping"/>. A pong for which nothing is written is not sent.</param>
    /// <param name="pulse">The facts.</param>
    /// <param name="ping">The ping being answered; empty for a ping.</param>
    /// <param name="output">Where the payload goes.</param>
    void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, IBufferWriter<byte> output);
}

/// <summary>What a message means to the heartbeat policy.</summary>
public enum HeartbeatKind
{
    /// <summary>Not a heartbeat: the application's.</summary>
    None,

    /// <summary>A heartbeat that may want an answer.</summary>
    Ping,

    /// <summary>The answer to a ping of ours.</summary>
    Pong,
}

/// <summary>What a policy wants done.</summary>
public enum HeartbeatAction
{
    /// <summary>Nothing now.</summary>
    None,

    /// <summary>Send a heartbeat. Skipped while other bytes are queued, which say the same.</summary>
    Send,

    /// <summary>The peer is dead. Carried out only after one more attempt to receive has found nothing.</summary>
    Close,

    /// <summary>The peer abuses heartbeats (a flood, say): the connection closes at once, as <see cref="CloseKind.ProtocolError"/>.</summary>
    Refuse,
}

/// <summary>A policy's decision and when it wants to be asked again.</summary>
/// <param name="Action">What to do now.</param>
/// <param name="Due">In what time to ask again, counted on the liveness clock. Zero and negative times: at the next tick of the clock. <see cref="Timeout.InfiniteTimeSpan"/>: never; that is a time of exactly -1 ms, so a policy that computes its times keeps them from
/// going below zero.</param>
public readonly record struct HeartbeatDecision(HeartbeatAction Action, TimeSpan Due)
{
    /// <summary>Nothing, for ever.</summary>
    public static HeartbeatDecision Never => new(HeartbeatAction.None, Timeout.InfiniteTimeSpan);

    /// <summary>Nothing now; ask again in this time, see <see cref="Due"/>.</summary>
    public static HeartbeatDecision Wait(TimeSpan due) => new(HeartbeatAction.None, due);

    /// <summary>Send a heartbeat now; ask again in this time, see <see cref="Due"/>.</summary>
    public static HeartbeatDecision Send(TimeSpan due) => new(HeartbeatAction.Send, due);

    /// <summary>The peer is dead.</summary>
    public static HeartbeatDecision Close => new(HeartbeatAction.Close, Timeout.InfiniteTimeSpan);

    /// <summary>The peer abuses heartbeats.</summary>
    public static HeartbeatDecision Refuse => new(HeartbeatAction.Refuse, Timeout.InfiniteTimeSpan);
}

/// <summary>The facts about a connection's life signs. Time runs only while the connection is able to read, on a monotonic clock that a change of the system's time does not touch.</summary>
public readonly record struct ConnectionPulse
{
    /// <summary>Time since any byte came from the peer, to within 100 ms; at first, since the connection was opened.</summary>
    public TimeSpan SinceReceived { get; init; }

    /// <summary>Time since any byte was sent, to within 100 ms; at first, since the connection was opened.</summary>
    public TimeSpan SinceSent { get; init; }

    /// <summary>The mean time between arrivals (a moving average over about the last 16), zero before the second.</summary>
    public TimeSpan ArrivalMean { get; init; }

    /// <summary>The mean deviation of the time between arrivals, zero before the second.</summary>
    public TimeSpan ArrivalDeviation { get; init; }

    /// <summary>How many heartbeats this side has begun.</summary>
    public long BeatsSent { get; init; }

    /// <summary>How many of them have no answer yet. Any pong sets it to 0.</summary>
    public int PingsOutstanding { get; init; }

    /// <summary>Time since the last heartbeat of ours was sent; zero before the first.</summary>
    public TimeSpan SincePing { get; init; }

    /// <summary>The last measured round trip, zero before the first.</summary>
    public TimeSpan LastRoundTrip { get; init; }

    /// <summary>How many received messages were heartbeats, pings and pongs together.</summary>
    public long BeatsReceived { get; init; }

    /// <summary>Time since the connection was opened.</summary>
    public TimeSpan SinceOpened { get; init; }
}

/// <summary>A few numbers that the connection keeps for its policy. Zero at first.</summary>
public struct HeartbeatMemory : IEquatable<HeartbeatMemory>
{
    /// <summary>The policy's own.</summary>
    public long A { get; set; }

    /// <summary>The policy's own.</summary>
    public long B { get; set; }

    /// <summary>The policy's own.</summary>
    public long C { get; set; }

    /// <inheritdoc/>
    public readonly bool Equals(HeartbeatMemory other) => A == other.A && B == other.B && C == other.C;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is HeartbeatMemory other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => HashCode.Combine(A, B, C);

    /// <summary>Compares by content.</summary>
    public static bool operator ==(HeartbeatMemory left, HeartbeatMemory right) => left.Equals(right);

    /// <summary>Compares by content.</summary>
    public static bool operator !=(HeartbeatMemory left, HeartbeatMemory right) => !left.Equals(right);
}
