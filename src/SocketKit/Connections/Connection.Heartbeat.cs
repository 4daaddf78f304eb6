using System.Buffers;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Heartbeats: the clock turns what the receive loop and the senders have noted into a pulse, asks the policy and carries out what it decides; the receive loop takes heartbeats out of what arrives.
internal sealed partial class Connection
{
    /// <summary>Null without a heartbeat.</summary>
    private HeartbeatState? _beats;

    /// <summary>Bytes came since the last tick; set by the receive loop.</summary>
    private volatile bool _heard;

    /// <summary>Before the first byte is read.</summary>
    /// <returns>False: the policy threw, and the connection closes.</returns>
    private bool TryCreateBeats()
    {
        if (_settings.Heartbeat is not { } policy)
        {
            return true;
        }

        var beats = _beats = new HeartbeatState();
        try
        {
            beats.PolicyState = policy.CreateState(this);
            return true;
        }
#pragma warning disable CA1031 // A policy is user code: whatever it throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            PolicyThrew(policy, exception);
            return false;
        }
    }

    private void Beat(IHeartbeatPolicy policy, long alive, long step)
    {
        var beats = _beats!;
        if (!beats.PulseBegun)
        {
            beats.PulseBegun = true;
            beats.LastHeard = beats.LastSpoke = beats.PulseBegan = alive;
        }

        if (_heard)
        {
            _heard = false;
            beats.DeathCheck = DeathCheck.None;
            NoteArrival(alive);
        }
        else if (!Volatile.Read(ref _receiving))
        {
            // The handler is behind or blocks: silence in which nobody listened says nothing about the peer.
            beats.LastHeard += step;
        }

        if (Volatile.Read(ref _spoke))
        {
            Volatile.Write(ref _spoke, false);
            beats.LastSpoke = alive;
        }

        if (alive < beats.BeatDue && beats.DeathCheck == DeathCheck.None)
        {
            return;
        }

        try
        {
            var pulse = TakePulse(alive);
            beats.AsksPolicy = true;
            var decision = policy.Decide(pulse, beats.PolicyState);
            beats.AsksPolicy = false;
            beats.BeatDue = decision.Action == HeartbeatAction.Close ? alive : WhenDue(decision.Due, alive);
            Carry(policy, decision.Action, pulse, alive);
        }
#pragma warning disable CA1031 // A policy is user code: whatever it throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            beats.AsksPolicy = false;
            PolicyThrew(policy, exception);
        }
    }

    private static long WhenDue(TimeSpan due, long alive)
    {
        if (due == Timeout.InfiniteTimeSpan)
        {
            return long.MaxValue;
        }

        return due <= TimeSpan.Zero ? alive : due.Ticks > long.MaxValue - alive ? long.MaxValue : alive + due.Ticks;
    }

    private void Carry(IHeartbeatPolicy policy, HeartbeatAction action, in ConnectionPulse pulse, long alive)
    {
        var beats = _beats!;
        switch (action)
        {
            case HeartbeatAction.Send:
                if (SendPing(policy, pulse))
                {
                    beats.LastPing = alive;
                }

                break;

            case HeartbeatAction.Close when beats.DeathCheck == DeathCheck.Done && _transport.BytesUnread > 0:
                // Taken out of the engine's queue, but the thread that took it has not come to it: the machine is busier than a tick.
                _heard = true;
                break;

            case HeartbeatAction.Close when beats.DeathCheck == DeathCheck.Done:
                TryClose(CloseKind.HeartbeatTimeout, CloseParty.Peer, $"nothing received for {pulse.SinceReceived.TotalSeconds:0.0} s", null, graceful: false);
                break;

            case HeartbeatAction.Close when beats.DeathCheck == DeathCheck.None:
                beats.DeathCheck = DeathCheck.Queued;
                _ = CheckDeathAsync();
                break;

            case HeartbeatAction.Refuse:
                TryClose(CloseKind.ProtocolError, CloseParty.Peer, $"{policy.GetType().Name} refuses the peer after {pulse.BeatsReceived} heartbeats", null, graceful: true);
                break;

            default:
                break;
        }

        if (action != HeartbeatAction.Close && beats.DeathCheck == DeathCheck.Done)
        {
            beats.DeathCheck = DeathCheck.None;
        }
    }

    // What the engine has seen of this connection already stands in its queue before this: when it is done and nothing was heard, nothing is there.
    private async Task CheckDeathAsync()
    {
        var beats = _beats!;
        await NextTurn.Of(_transport);
        if (beats.DeathCheck == DeathCheck.Queued)
        {
            beats.DeathCheck = DeathCheck.Done;
        }
    }

    private void NoteArrival(long alive)
    {
        var beats = _beats!;
        var gap = alive - beats.LastHeard;
        beats.LastHeard = alive;
        if (!beats.ArrivedBefore)
        {
            beats.ArrivedBefore = true;
            return;
        }

        if (beats.ArrivalMean == 0)
        {
            beats.ArrivalMean = gap;
            return;
        }

        var error = gap - beats.ArrivalMean;
        beats.ArrivalMean += error / 16;
        beats.ArrivalDeviation += (Math.Abs(error) - beats.ArrivalDeviation) / 16;
    }

    private ConnectionPulse TakePulse(long alive)
    {
        var beats = _beats!;
        var sinceOpened = TimeSpan.FromTicks(alive - beats.PulseBegan);
        using (_gate.Enter())
        {
            return new ConnectionPulse
            {
                SinceReceived = TimeSpan.FromTicks(alive - beats.LastHeard),
                SinceSent = TimeSpan.FromTicks(alive - beats.LastSpoke),
                ArrivalMean = TimeSpan.FromTicks(beats.ArrivalMean),
                ArrivalDeviation = TimeSpan.FromTicks(beats.ArrivalDeviation),
                BeatsSent = beats.BeatsSent,
                PingsOutstanding = beats.PingsOutstanding,
                SincePing = beats.BeatsSent == 0 ? TimeSpan.Zero : TimeSpan.FromTicks(alive - beats.LastPing),
                LastRoundTrip = beats.RoundTrip,
                BeatsReceived = beats.BeatsReceived,
                BeatsPerSecond = beats.Rate.Note(beats.BeatsReceived, sinceOpened),
                SinceOpened = sinceOpened,
            };
        }
    }

    /// <summary>Sends a heartbeat, unless bytes are queued: those say the same.</summary>
    private bool SendPing(IHeartbeatPolicy policy, in ConnectionPulse pulse)
    {
        // Asked before the policy is: what it writes may use up a number of the session's.
        if (!HasNothingQueued())
        {
            return false;
        }

        var beats = _beats!;
        var payload = new ArrayBufferWriter<byte>(64);
        beats.AsksPolicy = true;
        policy.Write(HeartbeatKind.Ping, pulse, default, beats.PolicyState, payload);
        beats.AsksPolicy = false;
        Appended appended;
        using (_gate.Enter())
        {
            // What came in between waits in front of it: a beat too many, but none that is written and left out.
            if (_reason is not null || IsFull)
            {
                return false;
            }

            appended = Append(payload.WrittenSpan, Uncorkable);
            beats.BeatsSent++;
            beats.PingsOutstanding++;
            beats.PingSentAt = _settings.TimeProvider.GetTimestamp();
        }

        return Conclude(appended);
    }

    private bool HasNothingQueued()
    {
        using (_gate.Enter())
        {
            return _reason is null && !_flushing && _output.IsEmpty;
        }
    }

    /// <summary>Takes a message that is a heartbeat or a response. Belongs to the receive loop.</summary>
    /// <returns>False: it is the application's.</returns>
    private bool TakeControl(ReadOnlySpan<byte> message)
    {
        if (_settings.Heartbeat is { } policy)
        {
            try
            {
                switch (policy.Classify(message, _beats!.PolicyState))
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
            LogFailure(nameof(ConnectionOptions.ReadCorrelationId), exception);
            var detail = $"ConnectionOptions.ReadCorrelationId threw {exception.GetType().Name}: {LogText.MessageOf(exception)}";
            TryClose(CloseKind.HandlerFailed, CloseParty.Local, detail, exception, graceful: true);
            return true;
        }
    }

    private void SendPong(IHeartbeatPolicy policy, ReadOnlySpan<byte> ping)
    {
        var beats = _beats!;
        var payload = new ArrayBufferWriter<byte>(Math.Max(16, ping.Length));
        ConnectionPulse pulse;
        using (_gate.Enter())
        {
            beats.BeatsReceived++;
            pulse = new ConnectionPulse
            {
                BeatsReceived = beats.BeatsReceived,
                BeatsPerSecond = beats.Rate.PerSecond,
                BeatsSent = beats.BeatsSent,
                PingsOutstanding = beats.PingsOutstanding,
                LastRoundTrip = beats.RoundTrip,
            };
        }

        policy.Write(HeartbeatKind.Pong, pulse, ping, beats.PolicyState, payload);
        if (payload.WrittenCount == 0)
        {
            return;
        }

        var appended = Appended.Queued;
        var me = Environment.CurrentManagedThreadId;
        using (_gate.Enter(me))
        {
            if (_reason is not null)
            {
                return;
            }

            // The peer does not read: one answer, the newest, is all that it gets when it does.
            if (IsFull)
            {
                beats.HeldPong = payload.WrittenSpan.ToArray();
                return;
            }

            beats.HeldPong = null;
            appended = Append(payload.WrittenSpan, me);
        }

        Conclude(appended);
    }

    /// <summary>Puts the pong that was held back behind what was queued; under the gate.</summary>
    /// <param name="failure">What the framer threw: for the log, outside of the gate.</param>
    private bool TryAppendHeldPong(out Exception? failure)
    {
        failure = null;
        if (_beats is not { HeldPong: { } pong } beats || _reason is not null)
        {
            return false;
        }

        beats.HeldPong = null;
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
            failure = exception;
            return false;
        }

        _output.Seal();
        return true;
    }

    private void NotePong()
    {
        var beats = _beats!;
        TimeSpan roundTrip;
        using (_gate.Enter())
        {
            beats.BeatsReceived++;
            if (beats.PingsOutstanding == 0)
            {
                return;
            }

            beats.PingsOutstanding = 0;
            beats.RoundTrip = roundTrip = _settings.TimeProvider.GetElapsedTime(beats.PingSentAt);
        }

        _settings.Metrics.Record(SocketKitMetrics.RoundTrip, roundTrip, null);
    }

    private void PolicyThrew(IHeartbeatPolicy policy, Exception exception)
    {
        LogFailure(policy.GetType().Name, exception);
        TryClose(CloseKind.HandlerFailed, CloseParty.Local, $"{policy.GetType().Name} threw {exception.GetType().Name}: {LogText.MessageOf(exception)}", exception, graceful: true);
    }
}
