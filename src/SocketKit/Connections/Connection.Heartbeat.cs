using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Heartbeats: the clock asks the runner, and carries out what it says; the receive loop takes heartbeats out of what arrives.
internal sealed partial class Connection
{
    /// <summary>Null without a heartbeat.</summary>
    private HeartbeatRunner? _beats;

    /// <summary>Before the first byte is read.</summary>
    /// <returns>False: the policy threw, and the connection closes.</returns>
    private bool TryBeginBeats()
    {
        if (_settings.Heartbeat is not { } policy)
        {
            return true;
        }

        var beats = _beats = new HeartbeatRunner(policy, _settings.TimeProvider);
        try
        {
            beats.CreateState(this);
            return true;
        }
        catch (Exception exception)
        {
            PolicyThrew(beats, exception);
            return false;
        }
    }

    private void Beat(HeartbeatRunner beats, long alive, long step)
    {
        if (!beats.Tick(alive, step, _life.IsReceiving))
        {
            return;
        }

        try
        {
            ConnectionPulse pulse;
            using (_lock.Enter())
            {
                pulse = beats.TakePulseLocked(alive);
            }

            Carry(beats, beats.Decide(pulse, alive), pulse, alive);
        }
        catch (Exception exception)
        {
            PolicyThrew(beats, exception);
        }
    }

    private void Carry(HeartbeatRunner beats, HeartbeatRunner.Verdict verdict, in ConnectionPulse pulse, long alive)
    {
        switch (verdict)
        {
            case HeartbeatRunner.Verdict.SendPing:
                if (SendPing(beats, pulse))
                {
                    beats.PingSent(alive);
                }

                break;

            case HeartbeatRunner.Verdict.LookOnceMore:
                _ = LookOnceMoreAsync(beats);
                break;

            case HeartbeatRunner.Verdict.Dead when _transport.BytesUnread > 0:
                // Taken out of the engine's queue, but the thread that took it has not come to it: the machine is busier than a tick.
                beats.Heard();
                break;

            case HeartbeatRunner.Verdict.Dead:
                var silence = $"nothing received for {pulse.SinceReceived.TotalSeconds:0.0} s";
                TryClose(CloseKind.HeartbeatTimeout, CloseParty.Peer, silence, null, graceful: false);
                break;

            case HeartbeatRunner.Verdict.Refused:
                var refusal = $"{beats.Name} refuses the peer after {pulse.BeatsReceived} heartbeats";
                TryClose(CloseKind.ProtocolError, CloseParty.Peer, refusal, null, graceful: true);
                break;

            default:
                break;
        }
    }

    // What the engine has seen of this connection already stands in its queue before this: when it is done and nothing was heard, nothing
    // is there.
    private async Task LookOnceMoreAsync(HeartbeatRunner beats)
    {
        await NextTurn.Of(_transport);
        beats.LookedOnceMore();
    }

    private bool SendPing(HeartbeatRunner beats, in ConnectionPulse pulse)
    {
        // Asked before the policy is: what it writes may use up a number of the session's.
        if (!HasNothingQueued())
        {
            return false;
        }

        var ping = beats.WritePing(pulse);
        SendQueue.Appended appended;
        using (_lock.Enter())
        {
            // What came in between waits in front of it: a beat too many, but none that is written and left out.
            if (_life.IsClosing || _sends.IsFull)
            {
                return false;
            }

            appended = Append(ping, SendQueue.Uncorkable);
            beats.PingQueuedLocked();
        }

        return Conclude(appended);
    }

    private bool HasNothingQueued()
    {
        using (_lock.Enter())
        {
            return !_life.IsClosing && !_sends.IsSending;
        }
    }

    /// <summary>Takes a message that is a heartbeat or a response. Belongs to the receive loop.</summary>
    /// <returns>False: it is the application's.</returns>
    private bool TakeControl(ReadOnlySpan<byte> message) => (_beats is { } beats && TakeBeat(beats, message)) || TakeResponse(message);

    private bool TakeBeat(HeartbeatRunner beats, ReadOnlySpan<byte> message)
    {
        try
        {
            switch (beats.Classify(message))
            {
                case HeartbeatKind.Ping:
                    SendPong(beats, message);
                    return true;
                case HeartbeatKind.Pong:
                    NotePong(beats);
                    return true;
                default:
                    return false;
            }
        }
        catch (Exception exception)
        {
            PolicyThrew(beats, exception);
            return true;
        }
    }

    private void SendPong(HeartbeatRunner beats, ReadOnlySpan<byte> ping)
    {
        ConnectionPulse pulse;
        using (_lock.Enter())
        {
            pulse = beats.PingReceivedLocked();
        }

        var pong = beats.WritePong(pulse, ping);
        if (pong.IsEmpty)
        {
            return;
        }

        SendQueue.Appended appended;
        var me = Environment.CurrentManagedThreadId;
        using (_lock.Enter(me))
        {
            if (_life.IsClosing)
            {
                return;
            }

            if (_sends.IsFull)
            {
                beats.HoldPongLocked(pong);
                return;
            }

            beats.TakeHeldPongLocked();
            appended = Append(pong, me);
        }

        Conclude(appended);
    }

    /// <summary>Puts the pong that was held back behind what was queued; under the lock.</summary>
    /// <param name="failure">What the framer threw: for the log, outside of the lock.</param>
    private bool TryAppendHeldPong(out Exception? failure)
    {
        failure = null;
        if (_life.IsClosing || _beats?.TakeHeldPongLocked() is not { } pong)
        {
            return false;
        }

        try
        {
            _sends.AppendForFlusher(pong);
            return true;
        }
        catch (Exception exception)
        {
            // A framer is user code; the flush goes on without this pong.
            failure = exception;
            return false;
        }
    }

    private void NotePong(HeartbeatRunner beats)
    {
        TimeSpan? roundTrip;
        using (_lock.Enter())
        {
            roundTrip = beats.PongReceivedLocked();
        }

        if (roundTrip is { } took)
        {
            _settings.Metrics.Record(SocketKitMetrics.RoundTrip, took, null);
        }
    }

    private void PolicyThrew(HeartbeatRunner beats, Exception exception)
    {
        _settings.Lines.HandlerFailed(this, beats.Name, exception);
        var detail = $"{beats.Name} threw {exception.GetType().Name}: {LogText.MessageOf(exception)}";
        TryClose(CloseKind.HandlerFailed, CloseParty.Local, detail, exception, graceful: true);
    }
}
