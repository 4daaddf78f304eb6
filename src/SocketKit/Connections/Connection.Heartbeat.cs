using System.Buffers;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Heartbeats: the clock turns what the receive loop and the senders have noted into a pulse, asks the policy and carries out what it decides; the receive loop takes heartbeats out of what arrives.
internal sealed partial class Connection
{
    private HeartbeatMemory _memory;
    private bool _pulseBegun;

    // Times of the liveness clock, in ticks of 100 ns.
    private long _lastHeard;
    private long _lastSpoke;
    private long _lastPing;
    private long _beatDue;
    private long _pulseBegan;
    private long _arrivalMean;
    private long _arrivalDeviation;
    private bool _arrivedBefore;

    /// <summary>Bytes came since the last tick; set by the receive loop.</summary>
    private volatile bool _heard;

    /// <summary>How far a dead peer's last chance is: after a decision to close, what waits in front of the engine's queue must have been received first.</summary>
    private volatile DeathCheck _deathCheck;

    // Shared between the clock and the receive loop, under the gate.
    private long _beatsSent;
    private long _beatsReceived;
    private int _pingsOutstanding;
    private long _pingSentAt;
    private TimeSpan _roundTrip;
    private byte[]? _heldPong;

    private enum DeathCheck
    {
        None,
        Queued,
        Done,
    }

    private void Beat(IHeartbeatPolicy policy, long alive, long step)
    {
        if (!_pulseBegun)
        {
            _pulseBegun = true;
            _lastHeard = _lastSpoke = _pulseBegan = alive;
        }

        if (_heard)
        {
            _heard = false;
            _deathCheck = DeathCheck.None;
            NoteArrival(alive);
        }
        else if (!Volatile.Read(ref _receiving))
        {
            // The handler is behind or blocks: silence in which nobody listened says nothing about the peer.
            _lastHeard += step;
        }

        if (Volatile.Read(ref _spoke))
        {
            Volatile.Write(ref _spoke, false);
            _lastSpoke = alive;
        }

        if (alive < _beatDue && _deathCheck == DeathCheck.None)
        {
            return;
        }

        try
        {
            var pulse = TakePulse(alive);
            var decision = policy.Decide(pulse, ref _memory);
            _beatDue = decision.Action == HeartbeatAction.Close ? alive : decision.Due < TimeSpan.Zero ? long.MaxValue : alive + decision.Due.Ticks;
            Carry(policy, decision.Action, pulse, alive);
        }
#pragma warning disable CA1031 // A policy is user code: whatever it throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            PolicyThrew(policy, exception);
        }
    }

    private void Carry(IHeartbeatPolicy policy, HeartbeatAction action, in ConnectionPulse pulse, long alive)
    {
        switch (action)
        {
            case HeartbeatAction.Send:
                if (SendPing(policy, pulse))
                {
                    _lastPing = alive;
                }

                break;

            case HeartbeatAction.Close when _deathCheck == DeathCheck.Done && _transport.HasUnread:
                // Taken out of the engine's queue, but the thread that took it has not come to it: the machine is busier than a tick.
                _heard = true;
                break;

            case HeartbeatAction.Close when _deathCheck == DeathCheck.Done:
                SocketKitMetrics.HeartbeatTimeouts.Add(1);
                TryClose(CloseKind.HeartbeatTimeout, CloseParty.Peer, $"nothing received for {pulse.SinceReceived.TotalSeconds:0.0} s", null, graceful: false);
                break;

            case HeartbeatAction.Close when _deathCheck == DeathCheck.None:
                _deathCheck = DeathCheck.Queued;
                _ = CheckDeathAsync();
                break;

            case HeartbeatAction.Refuse:
                TryClose(CloseKind.ProtocolError, CloseParty.Peer, $"{policy.GetType().Name} refuses the peer after {pulse.BeatsReceived} heartbeats", null, graceful: true);
                break;

            default:
                break;
        }

        if (action != HeartbeatAction.Close && _deathCheck == DeathCheck.Done)
        {
            _deathCheck = DeathCheck.None;
        }
    }

    // What the engine has seen of this connection already stands in its queue before this: when it is done and nothing was heard, nothing is there.
    private async Task CheckDeathAsync()
    {
        await _transport.YieldAsync().ConfigureAwait(false);
        if (_deathCheck == DeathCheck.Queued)
        {
            _deathCheck = DeathCheck.Done;
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

    private ConnectionPulse TakePulse(long alive)
    {
        lock (_gate)
        {
            return new ConnectionPulse
            {
                SinceReceived = TimeSpan.FromTicks(alive - _lastHeard),
                SinceSent = TimeSpan.FromTicks(alive - _lastSpoke),
                ArrivalMean = TimeSpan.FromTicks(_arrivalMean),
                ArrivalDeviation = TimeSpan.FromTicks(_arrivalDeviation),
                BeatsSent = _beatsSent,
                PingsOutstanding = _pingsOutstanding,
                SincePing = _beatsSent == 0 ? TimeSpan.Zero : TimeSpan.FromTicks(alive - _lastPing),
                LastRoundTrip = _roundTrip,
                BeatsReceived = _beatsReceived,
                SinceOpened = TimeSpan.FromTicks(alive - _pulseBegan),
            };
        }
    }

    /// <summary>Sends a heartbeat, unless bytes are queued: those say the same.</summary>
    private bool SendPing(IHeartbeatPolicy policy, in ConnectionPulse pulse)
    {
        var payload = new ArrayBufferWriter<byte>(64);
        policy.Write(HeartbeatKind.Ping, pulse, default, payload);
        Appended appended;
        lock (_gate)
        {
            if (_reason is not null || _flushing || !_output.IsEmpty)
            {
                return false;
            }

            appended = Append(payload.WrittenSpan, corkable: false);
            _beatsSent++;
            _pingsOutstanding++;
            _pingSentAt = _settings.TimeProvider.GetTimestamp();
        }

        return Conclude(appended);
    }

    /// <summary>Takes a message that is a heartbeat or a response. Belongs to the receive loop.</summary>
    /// <returns>False: it is the application's.</returns>
    private bool TakeControl(ReadOnlySpan<byte> message)
    {
        if (_settings.Heartbeat is { } policy)
        {
            try
            {
                switch (policy.Classify(message))
                {
                    case HeartbeatKind.Ping:
                        SendPong(policy, message);
                        return true;
                    case HeartbeatKind.Pong:
                        NotePong();
                        return true;
                    default:
                        break;
                }
            }
#pragma warning disable CA1031 // A policy is user code: whatever it throws ends this connection and no other.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                PolicyThrew(policy, exception);
                return true;
            }
        }

        try
        {
            return TryRespond(message);
        }
#pragma warning disable CA1031 // The reader of correlation ids is user code: whatever it throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.HandlerFailed(_settings.Logger, Id, this, nameof(ConnectionOptions.CorrelationId), exception);
            TryClose(CloseKind.HandlerFailed, CloseParty.Local, $"ConnectionOptions.CorrelationId threw {exception.GetType().Name}: {LogText.Escape(exception.Message)}", exception, graceful: true);
            return true;
        }
    }

    private void SendPong(IHeartbeatPolicy policy, ReadOnlySpan<byte> ping)
    {
        var payload = new ArrayBufferWriter<byte>(Math.Max(16, ping.Length));
        ConnectionPulse pulse;
        lock (_gate)
        {
            _beatsReceived++;
            pulse = new ConnectionPulse { BeatsReceived = _beatsReceived, BeatsSent = _beatsSent, PingsOutstanding = _pingsOutstanding, LastRoundTrip = _roundTrip };
        }

        policy.Write(HeartbeatKind.Pong, pulse, ping, payload);
        if (payload.WrittenCount == 0)
        {
            return;
        }

        var appended = Appended.Queued;
        lock (_gate)
        {
            if (_reason is not null)
            {
                return;
            }

            // The peer does not read: one answer, the newest, is all that it gets when it does.
            if (IsFull)
            {
                _heldPong = payload.WrittenSpan.ToArray();
                return;
            }

            _heldPong = null;
            appended = Append(payload.WrittenSpan, corkable: true);
        }

        Conclude(appended);
    }

    /// <summary>Puts the pong that was held back behind what was queued; under the gate.</summary>
    private bool TryAppendHeldPong()
    {
        if (_heldPong is not { } pong || _reason is not null)
        {
            return false;
        }

        _heldPong = null;
        var mark = _output.Mark();
        try
        {
            _settings.Framer.Write(pong, _output);
        }
#pragma warning disable CA1031 // A framer is user code; the flush goes on without this pong.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _output.CutBack(mark);
            Log.TrySendFailed(_settings.Logger, Id, this, exception);
            return false;
        }

        _output.Seal(mark);
        return true;
    }

    private void NotePong()
    {
        TimeSpan roundTrip;
        lock (_gate)
        {
            _beatsReceived++;
            if (_pingsOutstanding == 0)
            {
                return;
            }

            _pingsOutstanding = 0;
            _roundTrip = roundTrip = _settings.TimeProvider.GetElapsedTime(_pingSentAt);
        }

        SocketKitMetrics.RoundTrip.Record(roundTrip.TotalSeconds);
    }

    private void PolicyThrew(IHeartbeatPolicy policy, Exception exception)
    {
        Log.HandlerFailed(_settings.Logger, Id, this, policy.GetType().Name, exception);
        TryClose(CloseKind.HandlerFailed, CloseParty.Local, $"{policy.GetType().Name} threw {exception.GetType().Name}: {LogText.Escape(exception.Message)}", exception, graceful: true);
    }
}
