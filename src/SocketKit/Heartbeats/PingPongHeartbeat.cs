using System.Buffers;
using System.Diagnostics;
using SocketKit.Heartbeats;

namespace SocketKit;

/// <summary>
/// Asks a silent peer: sends a ping when nothing came, or nothing was sent, for the interval; answers the peer's pings with pongs; measures
/// round trips (<see cref="ConnectionPulse.LastRoundTrip"/>); and takes the peer for dead when a ping stays unanswered and no other byte
/// came for the time-out either. Both sides may use it. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// <para>A dead peer is found the time-out after its last byte (default: 30 s; it was pinged 10 s and 20 s after that byte), plus at most
/// 0.3 s, as the clock ticks every 100 ms. Any byte counts as life, a pong or not. A connection that is busy both ways sends no ping. At
/// most one ping goes out per interval.</para>
/// <para>A received message with exactly the ping or pong payload never reaches the application. For numbered pings, echoed payloads and
/// the like, derive and override
/// <see cref="IsPing"/>, <see cref="IsPong"/>, <see cref="WritePing"/>, <see cref="WritePong"/>.</para>
/// <para>More than <see cref="MaxBeatsPerSecond"/> pings and pongs close the connection as <see cref="CloseKind.ProtocolError"/>, within 15
/// s.</para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public class PingPongHeartbeat : IHeartbeatPolicy
{
    private readonly byte[] _ping;
    private readonly byte[] _pong;
    private readonly BeatLimit _limit = BeatLimit.Default;

    /// <summary>Makes one with texts as payloads.</summary>
    /// <param name="ping">The question, sent in UTF-8. Where <see cref="ProtocolOptions.TextEncoding"/> says it in other bytes the start is
    /// refused: give bytes then. The framer must be able to carry it (no line end in it with lines, say).</param>
    /// <param name="pong">The answer. Not the same as the question.</param>
    /// <param name="interval">After what silence to ping. Default: 10 s, or a third of a shorter time-out than 30 s.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: never, only answer. Otherwise 100 ms to 1 day.</param>
    /// <param name="timeout">After what time without a byte received the peer is dead. Default: three intervals, that is 30 s.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: never. Otherwise longer than the interval, up to 1 day; the difference is
    /// the time that the peer has for its pong.</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval or the time-out is out of range.</exception>
    /// <exception cref="ArgumentException">Ping and pong are the same, so that two peers would answer each other for ever.</exception>
    public PingPongHeartbeat(string ping, string pong, TimeSpan? interval = null, TimeSpan? timeout = null)
        : this(HeartbeatTimes.Encode(ping), HeartbeatTimes.Encode(pong), interval, timeout) => Texts = (ping, pong);

    /// <summary>
    /// Makes one with bytes as payloads, which are copied. See <see cref="PingPongHeartbeat(string, string, TimeSpan?, TimeSpan?)"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The interval or the time-out is out of range.</exception>
    /// <exception cref="ArgumentException">Ping and pong are the same, so that two peers would answer each other for ever.</exception>
    public PingPongHeartbeat(ReadOnlySpan<byte> ping, ReadOnlySpan<byte> pong, TimeSpan? interval = null, TimeSpan? timeout = null)
    {
        (Interval, Timeout) = HeartbeatTimes.Check(interval, timeout);
        if (ping.SequenceEqual(pong))
        {
            throw new ArgumentException("Ping and pong must differ, or two peers answer each other for ever. For one message without an answer use BeaconHeartbeat.", nameof(pong));
        }

        _ping = ping.ToArray();
        _pong = pong.ToArray();
    }

    /// <summary>The payloads as texts, if they were given so.</summary>
    internal (string Ping, string Pong)? Texts { get; }

    /// <summary>The ping's payload.</summary>
    public ReadOnlyMemory<byte> Ping => _ping;

    /// <summary>The pong's payload.</summary>
    public ReadOnlyMemory<byte> Pong => _pong;

    /// <summary>After what silence it pings.</summary>
    public TimeSpan Interval { get; }

    /// <summary>After what time without a byte received the peer is dead.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>How many pings and pongs the peer may send in a second, on the average of at least 5 s. Default: 100. At least 1.</summary>
    public int MaxBeatsPerSecond
    {
        get => _limit.PerSecond;
        init => _limit = new BeatLimit(value);
    }

    /// <summary>Answers the peer's pings and sends none; the peer is dead when no byte came for the time-out.</summary>
    /// <param name="ping">The peer's question, in UTF-8.</param>
    /// <param name="pong">The answer, in UTF-8.</param>
    /// <param name="timeout">Default: 30 s. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: never dead.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time-out is out of range.</exception>
    /// <exception cref="ArgumentException">Ping and pong are the same.</exception>
    public static PingPongHeartbeat AnswerOnly(string ping, string pong, TimeSpan? timeout = null) =>
        new(ping, pong, System.Threading.Timeout.InfiniteTimeSpan, timeout);

    /// <summary>Answers the peer's pings and sends none. See <see cref="AnswerOnly(string, string, TimeSpan?)"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time-out is out of range.</exception>
    /// <exception cref="ArgumentException">Ping and pong are the same.</exception>
    public static PingPongHeartbeat AnswerOnly(ReadOnlySpan<byte> ping, ReadOnlySpan<byte> pong, TimeSpan? timeout = null) =>
        new(ping, pong, System.Threading.Timeout.InfiniteTimeSpan, timeout);

    /// <summary>For people and debuggers: <c>PingPongHeartbeat "ping" "pong", every 10 s, dead after 30 s</c>.</summary>
    public override string ToString() =>
        $"{GetType().Name} {SocketKitText.Bytes(_ping)} {SocketKitText.Bytes(_pong)}"
        + $", every {SocketKitText.Time(Interval)}, dead after {SocketKitText.Time(Timeout)}";

    /// <inheritdoc/>
    /// <remarks>Makes none. A derived class may, for its own overrides: see <see cref="IHeartbeatPolicy"/> for what of it must be
    /// thread-safe.</remarks>
    public virtual object? CreateState(IConnection connection) => null;

    /// <inheritdoc/>
    public virtual HeartbeatDecision Decide(in ConnectionPulse pulse, object? state)
    {
        if (_limit.IsExceeded(pulse))
        {
            return HeartbeatDecision.Refuse;
        }

        var untilDead = UntilDead(pulse);
        if (untilDead <= TimeSpan.Zero)
        {
            return HeartbeatDecision.Close;
        }

        // One-way traffic is pinged too: a peer may insist on a sign of life however much it sends.
        var quiet = pulse.SinceReceived > pulse.SinceSent ? pulse.SinceReceived : pulse.SinceSent;
        var untilPing = HeartbeatTimes.Left(Interval, pulse.BeatsSent > 0 ? HeartbeatTimes.Earlier(quiet, pulse.SincePing) : quiet);
        if (untilPing > TimeSpan.Zero)
        {
            return HeartbeatDecision.Wait(HeartbeatTimes.Due(untilPing, untilDead));
        }

        // A peer that was never asked has no deadline yet, but this ping starts one.
        var untilTimeout = HeartbeatTimes.Left(Timeout, pulse.SinceReceived);
        return HeartbeatDecision.Send(HeartbeatTimes.Due(Interval, untilTimeout > TimeSpan.Zero ? untilTimeout : Interval));
    }

    /// <inheritdoc/>
    public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) =>
        IsPing(message, state) ? HeartbeatKind.Ping : IsPong(message, state) ? HeartbeatKind.Pong : HeartbeatKind.None;

    /// <inheritdoc/>
    public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
    {
        if (kind == HeartbeatKind.Ping)
        {
            WritePing(pulse, state, output);
        }
        else if (kind == HeartbeatKind.Pong)
        {
            WritePong(pulse, ping, state, output);
        }
    }

    /// <summary>
    /// Says if a received message is a ping. Default: it equals <see cref="Ping"/>. Called for every message, so it should be quick; runs
    /// where the bytes are received, and may overlap with <see cref="Decide"/> and <see cref="WritePing"/>.
    /// </summary>
    /// <param name="message">The payload.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    protected virtual bool IsPing(ReadOnlySpan<byte> message, object? state) => message.SequenceEqual(_ping);

    /// <summary>
    /// Says if a received message, which is no ping, is a pong. Default: it equals <see cref="Pong"/>. Called for every message, so it
    /// should be quick; runs where the bytes are received, as <see cref="IsPing"/>.
    /// </summary>
    /// <param name="message">The payload.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    protected virtual bool IsPong(ReadOnlySpan<byte> message, object? state) => message.SequenceEqual(_pong);

    /// <summary>Writes a ping. Default: <see cref="Ping"/>. Runs on the clock, after <see cref="Decide"/>.</summary>
    /// <param name="pulse">The facts; <see cref="ConnectionPulse.BeatsSent"/> is the number of pings before this one.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    /// <param name="output">Where it goes.</param>
    protected virtual void WritePing(in ConnectionPulse pulse, object? state, IBufferWriter<byte> output) => output.Write(_ping);

    /// <summary>
    /// Writes the answer to a ping. Default: <see cref="Pong"/>. Write nothing to leave the ping unanswered. Runs where the bytes are
    /// received, after <see cref="IsPing"/>.
    /// </summary>
    /// <param name="pulse">The facts; the times in it are zero.</param>
    /// <param name="ping">The ping being answered.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    /// <param name="output">Where it goes.</param>
    protected virtual void WritePong(in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output) =>
        output.Write(_pong);

    private TimeSpan UntilDead(in ConnectionPulse pulse)
    {
        var silence = HeartbeatTimes.Left(Timeout, pulse.SinceReceived);
        if (Interval == System.Threading.Timeout.InfiniteTimeSpan || Timeout == System.Threading.Timeout.InfiniteTimeSpan)
        {
            return silence;
        }

        // A ping is skipped while bytes are queued; nobody dies who was not asked, and had no time to answer.
        if (pulse.PingsOutstanding == 0)
        {
            return TimeSpan.MaxValue;
        }

        // Pings lie an interval or more apart, so the oldest one has waited at least this long.
        var waited = pulse.SincePing + ((pulse.PingsOutstanding - 1) * Interval);
        var patience = HeartbeatTimes.Left(Timeout - Interval, waited);
        return silence > patience ? silence : patience;
    }
}
