using System.Buffers;
using System.Diagnostics;
using SocketKit.Heartbeats;

namespace SocketKit;

/// <summary>
/// The heartbeat to begin with: sends a fixed message when nothing was sent for the interval, and takes the peer for dead when no byte came
/// for the time-out. Any byte counts as life; nothing is answered. Both sides may use it, with the same payload;
/// <see cref="Expect(string, TimeSpan?)"/> and <see cref="SendOnly(string, TimeSpan?)"/> are its two halves. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// <para>A dead peer is found the time-out after its last byte (default: 30 s), plus at most 0.2 s, as the clock ticks every 100 ms. A busy
/// connection sends no heartbeat at all.</para>
/// <para>A received message with exactly the payload never reaches the application. For numbered beats and the like, derive and override
/// <see cref="IsBeat"/> and <see cref="WriteBeat"/>.</para>
/// <para>More than <see cref="MaxBeatsPerSecond"/> close the connection as <see cref="CloseKind.ProtocolError"/>, within 15 s.</para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public class BeaconHeartbeat : IHeartbeatPolicy
{
    private readonly byte[] _payload;
    private readonly BeatLimit _limit = BeatLimit.Default;

    /// <summary>Makes one with a text as payload.</summary>
    /// <param name="payload">The text, sent in UTF-8. Where <see cref="ProtocolOptions.TextEncoding"/> says it in other bytes the start is
    /// refused: give bytes then. The framer must be able to carry it (no line end in it with lines, say).</param>
    /// <param name="interval">After what time without a byte sent it sends. Default: 10 s, or a third of a shorter time-out than 30 s.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: never. Otherwise 100 ms to 1 day.</param>
    /// <param name="timeout">After what time without a byte received the peer is dead. Default: three intervals, that is 30 s.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: never. Otherwise longer than the interval, up to 1 day; two to three
    /// intervals are sound.</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval or the time-out is out of range.</exception>
    /// <exception cref="ArgumentException">Both are infinite.</exception>
    public BeaconHeartbeat(string payload, TimeSpan? interval = null, TimeSpan? timeout = null)
        : this(HeartbeatTimes.Encode(payload), interval, timeout) => Text = payload;

    /// <summary>
    /// Makes one with bytes as payload, which are copied. See <see cref="BeaconHeartbeat(string, TimeSpan?, TimeSpan?)"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The interval or the time-out is out of range.</exception>
    /// <exception cref="ArgumentException">Both are infinite.</exception>
    public BeaconHeartbeat(ReadOnlySpan<byte> payload, TimeSpan? interval = null, TimeSpan? timeout = null)
    {
        (Interval, Timeout) = HeartbeatTimes.Check(interval, timeout);
        if (Interval == System.Threading.Timeout.InfiniteTimeSpan && Timeout == System.Threading.Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentException("Without an interval and without a time-out it does nothing; use NoHeartbeat.Instance.", nameof(timeout));
        }

        _payload = payload.ToArray();
    }

    /// <summary>The payload as text, if it was given so.</summary>
    internal string? Text { get; }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload => _payload;

    /// <summary>After what time without a byte sent it sends.</summary>
    public TimeSpan Interval { get; }

    /// <summary>After what time without a byte received the peer is dead.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>How many heartbeats the peer may send in a second, on the average of at least 5 s. Default: 100. At least 1.</summary>
    public int MaxBeatsPerSecond
    {
        get => _limit.PerSecond;
        init => _limit = new BeatLimit(value);
    }

    /// <summary>Expects life and sends none: for a server whose clients send the beats.</summary>
    /// <param name="payload">What the peer sends, so that it is kept from the application; in UTF-8.</param>
    /// <param name="timeout">After what time without a byte received the peer is dead. Default: 30 s.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time-out is out of range.</exception>
    public static BeaconHeartbeat Expect(string payload, TimeSpan? timeout = null) => new(payload, System.Threading.Timeout.InfiniteTimeSpan, timeout);

    /// <summary>Expects life and sends none. See <see cref="Expect(string, TimeSpan?)"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time-out is out of range.</exception>
    public static BeaconHeartbeat Expect(ReadOnlySpan<byte> payload, TimeSpan? timeout = null) => new(payload, System.Threading.Timeout.InfiniteTimeSpan, timeout);

    /// <summary>
    /// Sends beats and expects none: for a client whose server may rightly be silent. TCP keep-alive still finds a dead server.
    /// </summary>
    /// <param name="payload">What to send, in UTF-8.</param>
    /// <param name="interval">After what time without a byte sent it sends. Default: 10 s.</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval is out of range.</exception>
    public static BeaconHeartbeat SendOnly(string payload, TimeSpan? interval = null) => new(payload, interval, System.Threading.Timeout.InfiniteTimeSpan);

    /// <summary>Sends beats and expects none. See <see cref="SendOnly(string, TimeSpan?)"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The interval is out of range.</exception>
    public static BeaconHeartbeat SendOnly(ReadOnlySpan<byte> payload, TimeSpan? interval = null) => new(payload, interval, System.Threading.Timeout.InfiniteTimeSpan);

    /// <summary>For people and debuggers: <c>BeaconHeartbeat "beat", every 10 s, dead after 30 s</c>.</summary>
    public override string ToString() =>
        $"{GetType().Name} {SocketKitText.Bytes(_payload)}, every {SocketKitText.Time(Interval)}, dead after {SocketKitText.Time(Timeout)}";

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

        var untilDead = HeartbeatTimes.Left(Timeout, pulse.SinceReceived);
        if (untilDead <= TimeSpan.Zero)
        {
            return HeartbeatDecision.Close;
        }

        var untilBeat = HeartbeatTimes.Left(Interval, pulse.SinceSent);
        return untilBeat <= TimeSpan.Zero
            ? HeartbeatDecision.Send(HeartbeatTimes.Due(Interval, untilDead))
            : HeartbeatDecision.Wait(HeartbeatTimes.Due(untilBeat, untilDead));
    }

    /// <inheritdoc/>
    public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) =>
        IsBeat(message, state) ? HeartbeatKind.Ping : HeartbeatKind.None;

    /// <inheritdoc/>
    public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
    {
        // A beacon wants no answer, so nothing is written for a pong.
        if (kind == HeartbeatKind.Ping)
        {
            WriteBeat(pulse, state, output);
        }
    }

    /// <summary>
    /// Says if a received message is a beat. Default: it equals the payload. Called for every message, so it should be quick; runs where
    /// the bytes are received, and may overlap with <see cref="Decide"/> and <see cref="WriteBeat"/>.
    /// </summary>
    /// <param name="message">The payload.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    protected virtual bool IsBeat(ReadOnlySpan<byte> message, object? state) => message.SequenceEqual(_payload);

    /// <summary>Writes a beat. Default: the payload. Runs on the clock, after <see cref="Decide"/>.</summary>
    /// <param name="pulse">The facts; <see cref="ConnectionPulse.BeatsSent"/> is the number of beats before this one.</param>
    /// <param name="state">What <see cref="CreateState"/> made for the connection.</param>
    /// <param name="output">Where it goes.</param>
    protected virtual void WriteBeat(in ConnectionPulse pulse, object? state, IBufferWriter<byte> output) => output.Write(_payload);
}
