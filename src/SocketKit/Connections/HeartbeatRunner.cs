using System.Buffers;
using SocketKit.Heartbeats;

namespace SocketKit.Connections;

/// <summary>
/// Runs a heartbeat policy for one connection: keeps the pulse, asks the policy at each tick, and says what is to be done. It sends and
/// closes nothing by itself. Only connections with a heartbeat have one.
/// </summary>
/// <remarks>
/// What a tick follows belongs to the clock alone. What the receive loop and the clock share is guarded by the connection's lock: the
/// methods named <c>...Locked</c>. Times are those of the liveness clock, in ticks of 100 ns.
/// </remarks>
internal sealed class HeartbeatRunner(IHeartbeatPolicy policy, TimeProvider time)
{
    private object? _policyState;
    private volatile bool _asksPolicy;
    private volatile bool _heard;
    private volatile bool _spoke;
    private volatile LastChance _lastChance;

    // The clock's.
    private bool _begun;
    private long _began;
    private long _lastHeard;
    private long _lastSpoke;
    private long _lastPing;
    private long _due;
    private bool _arrivedBefore;
    private long _arrivalMean;
    private long _arrivalDeviation;

    // Under the connection's lock.
    private BeatRate _rate;
    private long _sent;
    private long _received;
    private int _outstanding;
    private long _pingSentAt;
    private TimeSpan _roundTrip;
    private byte[]? _heldPong;

    /// <summary>What a tick has to do.</summary>
    internal enum Verdict
    {
        None,

        /// <summary>Send a ping, unless bytes are queued: those say the same.</summary>
        SendPing,

        /// <summary>The peer seems dead: what waits in front of the engine's queue must be received first, and then
        /// <see cref="LookedOnceMore"/> be called.</summary>
        LookOnceMore,

        /// <summary>The peer is dead.</summary>
        Dead,

        /// <summary>The policy does not put up with the peer.</summary>
        Refused,
    }

    /// <summary>The last chance of a peer that the policy takes for dead.</summary>
    private enum LastChance
    {
        None,

        /// <summary>A turn stands in the engine's queue, behind what the engine has seen of the connection.</summary>
        Queued,

        /// <summary>The turn is over.</summary>
        Over,
    }

    /// <summary>The policy's name, for logs and close reasons.</summary>
    public string Name => policy.GetType().Name;

    /// <summary>The clock is inside a call of the policy.</summary>
    public bool AsksPolicy => _asksPolicy;

    /// <summary>Nothing was received or sent since the last tick.</summary>
    public bool IsQuiet => !_spoke && !_heard;

    /// <summary>By when a tick must look again; <paramref name="alive"/> while a peer has its last chance.</summary>
    public long DueAt(long alive) => _lastChance == LastChance.None ? _due : alive;

    /// <summary>Before the first byte is read.</summary>
    public void CreateState(IConnection connection) => _policyState = policy.CreateState(connection);

    /// <summary>Bytes came. The receive loop's.</summary>
    public void Heard() => _heard = true;

    /// <summary>Something was sent.</summary>
    public void Spoke() => _spoke = true;

    /// <summary>A tick of the clock.</summary>
    /// <param name="alive">The liveness clock.</param>
    /// <param name="step">How far it has moved since the last tick.</param>
    /// <param name="isReading">A receive is under way.</param>
    /// <returns>True: the policy is to be asked.</returns>
    public bool Tick(long alive, long step, bool isReading)
    {
        if (!_begun)
        {
            // The first tick begins the count: nothing was silent before it.
            _begun = true;
            _lastHeard = _lastSpoke = _began = alive;
            step = 0;
        }

        if (_heard)
        {
            _heard = false;
            _lastChance = LastChance.None;
            NoteArrival(alive);
        }
        else if (!isReading)
        {
            // The handler is behind or blocks: silence in which nobody listened says nothing about the peer.
            _lastHeard += step;
        }

        if (_spoke)
        {
            _spoke = false;
            _lastSpoke = alive;
        }

        return alive >= _due || _lastChance != LastChance.None;
    }

    /// <summary>Asks the policy. The clock's; not under the lock, since it is user code.</summary>
    /// <param name="pulse">What <see cref="TakePulseLocked"/> gave.</param>
    /// <param name="alive">The liveness clock.</param>
    public Verdict Decide(in ConnectionPulse pulse, long alive)
    {
        HeartbeatDecision decision;
        _asksPolicy = true;
        try
        {
            decision = policy.Decide(pulse, _policyState);
        }
        finally
        {
            _asksPolicy = false;
        }

        if (decision.Action == HeartbeatAction.Close)
        {
            _due = alive;
            return DecideDeath();
        }

        _due = WhenDue(decision.Due, alive);
        if (_lastChance == LastChance.Over)
        {
            _lastChance = LastChance.None;
        }

        return decision.Action switch
        {
            HeartbeatAction.Send => Verdict.SendPing,
            HeartbeatAction.Refuse => Verdict.Refused,
            _ => Verdict.None,
        };
    }

    /// <summary>What was in front of the engine's queue has been received by now.</summary>
    public void LookedOnceMore()
    {
        if (_lastChance == LastChance.Queued)
        {
            _lastChance = LastChance.Over;
        }
    }

    public ConnectionPulse TakePulseLocked(long alive)
    {
        var sinceOpened = TimeSpan.FromTicks(alive - _began);
        return new ConnectionPulse
        {
            SinceReceived = TimeSpan.FromTicks(alive - _lastHeard),
            SinceSent = TimeSpan.FromTicks(alive - _lastSpoke),
            ArrivalMean = TimeSpan.FromTicks(_arrivalMean),
            ArrivalDeviation = TimeSpan.FromTicks(_arrivalDeviation),
            BeatsSent = _sent,
            PingsOutstanding = _outstanding,
            SincePing = _sent == 0 ? TimeSpan.Zero : TimeSpan.FromTicks(alive - _lastPing),
            LastRoundTrip = _roundTrip,
            BeatsReceived = _received,
            BeatsPerSecond = _rate.Note(_received, sinceOpened),
            SinceOpened = sinceOpened,
        };
    }

    /// <summary>Lets the policy write a ping. The clock's; not under the lock.</summary>
    public ReadOnlySpan<byte> WritePing(in ConnectionPulse pulse)
    {
        var payload = new ArrayBufferWriter<byte>(64);
        _asksPolicy = true;
        try
        {
            policy.Write(HeartbeatKind.Ping, pulse, default, _policyState, payload);
        }
        finally
        {
            _asksPolicy = false;
        }

        return payload.WrittenSpan;
    }

    /// <summary>The ping is queued.</summary>
    public void PingQueuedLocked()
    {
        _sent++;
        _outstanding++;
        _pingSentAt = time.GetTimestamp();
    }

    /// <summary>The ping is on its way. The clock's.</summary>
    public void PingSent(long alive) => _lastPing = alive;

    /// <summary>Whether a message is a heartbeat. The receive loop's; not under the lock.</summary>
    public HeartbeatKind Classify(ReadOnlySpan<byte> message) => policy.Classify(message, _policyState);

    /// <summary>A ping of the peer's has come.</summary>
    /// <returns>What <see cref="WritePong"/> needs.</returns>
    public ConnectionPulse PingReceivedLocked()
    {
        _received++;
        return new ConnectionPulse
        {
            BeatsReceived = _received,
            BeatsPerSecond = _rate.PerSecond,
            BeatsSent = _sent,
            PingsOutstanding = _outstanding,
            LastRoundTrip = _roundTrip,
        };
    }

    /// <summary>Lets the policy answer a ping. The receive loop's; not under the lock.</summary>
    /// <returns>Empty: no answer.</returns>
    public ReadOnlySpan<byte> WritePong(in ConnectionPulse pulse, ReadOnlySpan<byte> ping)
    {
        var payload = new ArrayBufferWriter<byte>(Math.Max(16, ping.Length));
        policy.Write(HeartbeatKind.Pong, pulse, ping, _policyState, payload);
        return payload.WrittenSpan;
    }

    /// <summary>The peer does not read: one answer, the newest, is all that it gets when it does.</summary>
    public void HoldPongLocked(ReadOnlySpan<byte> pong) => _heldPong = pong.ToArray();

    /// <summary>The answer that was held back, if there is one; it is held no more.</summary>
    public byte[]? TakeHeldPongLocked()
    {
        var pong = _heldPong;
        _heldPong = null;
        return pong;
    }

    /// <summary>An answer of the peer's has come.</summary>
    /// <returns>How long it took; null: nobody asked.</returns>
    public TimeSpan? PongReceivedLocked()
    {
        _received++;
        if (_outstanding == 0)
        {
            return null;
        }

        _outstanding = 0;
        return _roundTrip = time.GetElapsedTime(_pingSentAt);
    }

    /// <summary>How long the last ping and its answer took; null before the first.</summary>
    public TimeSpan? LastRoundTripLocked() => _roundTrip > TimeSpan.Zero ? _roundTrip : null;

    private Verdict DecideDeath()
    {
        switch (_lastChance)
        {
            case LastChance.Over:
                return Verdict.Dead;
            case LastChance.None:
                _lastChance = LastChance.Queued;
                return Verdict.LookOnceMore;
            default:
                return Verdict.None;
        }
    }

    private void NoteArrival(long alive)
    {
        var gap = alive - _lastHeard;
        _lastHeard = alive;
        if (!_arrivedBefore)
        {
            _arrivedBefore = true;
            return;
        }

        if (_arrivalMean == 0)
        {
            _arrivalMean = gap;
            return;
        }

        var error = gap - _arrivalMean;
        _arrivalMean += error / 16;
        _arrivalDeviation += (Math.Abs(error) - _arrivalDeviation) / 16;
    }

    private static long WhenDue(TimeSpan due, long alive)
    {
        if (due == Timeout.InfiniteTimeSpan)
        {
            return long.MaxValue;
        }

        return due <= TimeSpan.Zero ? alive : due.Ticks > long.MaxValue - alive ? long.MaxValue : alive + due.Ticks;
    }
}
