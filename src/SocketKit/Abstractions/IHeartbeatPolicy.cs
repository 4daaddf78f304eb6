using System.Buffers;

namespace SocketKit;

/// <summary>
/// Decides when to send a heartbeat and when a silent peer is dead, and knows the wire image of heartbeats. Functions of facts, time and a
/// connection's state: no timer, socket or lock inside. One instance serves all connections and keeps nothing of them; what belongs to one
/// connection is in its state, an object that <see cref="CreateState"/> makes.
/// </summary>
/// <remarks>
/// <para>Made to be implemented by you. A member that a minor version adds has a default implementation.</para>
/// <para>For one connection, <see cref="Decide"/> and the <see cref="Write"/> of a ping run on the clock, one after the other;
/// <see cref="Classify"/> and the <see cref="Write"/> of a pong run where its bytes are received, one after the other. <b>The two may
/// overlap.</b> A state that both use must be thread-safe; one that only <see cref="Decide"/> and pings use, or only <see cref="Classify"/>
/// and pongs, need not be: what one call has written the next one reads, on whatever thread it runs. Calls for different connections
/// overlap in any case.</para>
/// <para>What any of these methods throws closes the connection as <see cref="CloseKind.HandlerFailed"/>, and no other. None of them may
/// block.</para>
/// </remarks>
public interface IHeartbeatPolicy
{
    /// <summary>
    /// Makes the state of a new connection, which the other methods then get. Called once for each connection, before any of them: when its
    /// wire is open, before its first byte is read and before its handler is made, so <see cref="IConnection.Handler"/> throws. A policy
    /// that needs the session (a sequence number of its, say) returns <paramref name="connection"/> itself and asks for the handler when it
    /// writes. Runs where the connection's bytes are received.
    /// </summary>
    /// <param name="connection">The new connection.</param>
    /// <returns>The state, which lives as long as the connection and is not disposed of; or null, if none is needed. Default:
    /// null.</returns>
    object? CreateState(IConnection connection) => null;

    /// <summary>
    /// Decides what to do now. Called when the last decision's due time has come, rounded up to the clock's 100 ms, and at first when the
    /// connection is open. Runs on the clock.
    /// </summary>
    /// <param name="pulse">The facts.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    HeartbeatDecision Decide(in ConnectionPulse pulse, object? state);

    /// <summary>
    /// Says if a received message is a heartbeat; those never reach the application. Called for every message, so it should be quick. Runs
    /// where the bytes are received, also while the connect hook of a client is under way.
    /// </summary>
    /// <param name="message">The payload; valid until this returns.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state);

    /// <summary>
    /// Writes the payload of a heartbeat; the framer frames it. A ping is written on the clock, after <see cref="Decide"/> has said so,
    /// when the handler is made and no bytes are queued; a pong where the bytes are received, right after its ping. What is written is not
    /// sent when the connection closes meanwhile; and while 64 KiB or more are queued for the peer, a ping is dropped and of the pongs only
    /// the newest is kept.
    /// </summary>
    /// <param name="kind">Ping: one that this side begins. Pong: the answer to <paramref name="ping"/>. A pong for which nothing is written
    /// is not sent.</param>
    /// <param name="pulse">The facts. For a pong only the counts, the rate and the last round trip; its other times are zero.</param>
    /// <param name="ping">The ping being answered, valid until this returns; empty for a ping.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    /// <param name="output">Where the payload goes.</param>
    void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output);
}

/// <summary>What a message means to the heartbeat policy.</summary>
public enum HeartbeatKind
{
    /// <summary>Not a heartbeat: the application's.</summary>
    None = 0,

    /// <summary>A heartbeat that may want an answer.</summary>
    Ping = 1,

    /// <summary>The answer to a ping of ours.</summary>
    Pong = 2,
}

/// <summary>What a policy wants done.</summary>
public enum HeartbeatAction
{
    /// <summary>Nothing now.</summary>
    None = 0,

    /// <summary>Send a heartbeat. Skipped while other bytes are queued, which say the same.</summary>
    Send = 1,

    /// <summary>The peer is dead. Carried out only after one more attempt to receive has found nothing.</summary>
    Close = 2,

    /// <summary>
    /// The peer abuses heartbeats (a flood, say): the connection closes gracefully, as <see cref="CloseKind.ProtocolError"/>.
    /// </summary>
    Refuse = 3,
}

/// <summary>
/// A policy's decision and when it wants to be asked again. Immutable. Default: nothing, and to be asked again at the next tick.
/// </summary>
public readonly record struct HeartbeatDecision
{
    /// <summary>What to do now. Default: <see cref="HeartbeatAction.None"/>.</summary>
    public HeartbeatAction Action { get; init; }

    /// <summary>
    /// In what time to ask again, counted on the liveness clock. Zero (default) and negative times: at the next tick of the clock.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: never; that is a time of exactly -1 ms, so a policy that computes its times keeps them from
    /// going below zero.
    /// </summary>
    public TimeSpan Due { get; init; }

    /// <summary>Nothing, for ever.</summary>
    public static HeartbeatDecision Never => new() { Action = HeartbeatAction.None, Due = Timeout.InfiniteTimeSpan };

    /// <summary>Nothing now; ask again in this time, see <see cref="Due"/>.</summary>
    public static HeartbeatDecision Wait(TimeSpan due) => new() { Action = HeartbeatAction.None, Due = due };

    /// <summary>Send a heartbeat now; ask again in this time, see <see cref="Due"/>.</summary>
    public static HeartbeatDecision Send(TimeSpan due) => new() { Action = HeartbeatAction.Send, Due = due };

    /// <summary>The peer is dead.</summary>
    public static HeartbeatDecision Close => new() { Action = HeartbeatAction.Close, Due = Timeout.InfiniteTimeSpan };

    /// <summary>The peer abuses heartbeats.</summary>
    public static HeartbeatDecision Refuse => new() { Action = HeartbeatAction.Refuse, Due = Timeout.InfiniteTimeSpan };
}

/// <summary>
/// The facts about a connection's life signs. Times are those of a monotonic clock that leaves out gaps in which the process did not run;
/// that of <see cref="SinceReceived"/> also stands still while the connection does not read.
/// </summary>
public readonly record struct ConnectionPulse
{
    /// <summary>Time since any byte came from the peer, to within 100 ms; at first, since the connection was opened.</summary>
    public TimeSpan SinceReceived { get; init; }

    /// <summary>Time since any byte was sent, to within 100 ms; at first, since the connection was opened.</summary>
    public TimeSpan SinceSent { get; init; }

    /// <summary>The mean time between arrivals (a moving average over about the last 16), zero before the second.</summary>
    public TimeSpan ArrivalMean { get; init; }

    /// <summary>The mean deviation of the time between arrivals, zero before the third.</summary>
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

    /// <summary>
    /// How many heartbeats a second came, pings and pongs together: the mean of the last stretch of at least 5 s between two decisions, so
    /// that what piled up while nobody read is no flood. Zero before the first.
    /// </summary>
    public double BeatsPerSecond { get; init; }

    /// <summary>Time since the connection was opened.</summary>
    public TimeSpan SinceOpened { get; init; }
}
