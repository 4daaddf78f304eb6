using SocketKit.Clock;

namespace SocketKit.Connections;

// What the clock does at each tick: deadlines, slow consumers, and then heartbeats. The fields belong to the clock, but for those about
// rest.
//
// A connection on which nothing is under way rests: the clock passes it over until its next heartbeat is due. Whatever a tick must see, a
// send, something received, the beginning of the end, happens under the lock and wakes it.
internal sealed partial class Connection
{
    /// <summary>By when it must be open, and later, released.</summary>
    private long _deadline;

    /// <summary>Made when a tick first finds a send under way: most connections never have one that lasts.</summary>
    private SlowConsumerWatch? _consumer;

    /// <summary>Under the lock. Never after a cause of death.</summary>
    private bool _resting;

    /// <summary>How many calls of the handler had begun: still as many, and it is the same call.</summary>
    private long _callsAtTick;

    /// <summary>A turn is asked for, in which what a batch holds back is flushed.</summary>
    private volatile bool _flushesSoon;

    /// <summary>The clock gives it before the first tick.</summary>
    public ClockPlace ClockPlace { get; set; }

    /// <summary>One tick of the clock.</summary>
    /// <param name="now">Monotonic time, for deadlines.</param>
    /// <param name="alive">The liveness clock: leaves out time in which the process did not run.</param>
    /// <param name="step">How far the liveness clock has moved since the last tick.</param>
    public void Tick(long now, long alive, long step)
    {
        if (_life.IsClosing)
        {
            if (now >= _deadline)
            {
                AbortWire();
            }

            return;
        }

        CheckCork();
        if (!_life.WasOpened && now >= _deadline)
        {
            var detail = $"not open within {_settings.OpenTimeout} (ConnectionOptions.OpenTimeout), handshakes and OnOpening together";
            TryClose(CloseKind.OpenFailed, CloseParty.Peer, detail, null, graceful: false);
            return;
        }

        ExpireRequests(now);
        if (_life.IsDraining)
        {
            CheckInputMark();
            CheckIdle();
        }

        CheckConsumer(alive);
        CheckPeer(alive);

        // Nobody answers a peer that has finished sending, and a beat that it takes must not put the end off.
        if (_beats is { } beats && _life.WasOpened && Volatile.Read(ref _peerEnd) is not { IsFinished: true })
        {
            Beat(beats, alive, step);
        }

        Rest(alive);
    }

    /// <summary>Rests, if nothing is under way that the next ticks must follow.</summary>
    private void Rest(long alive)
    {
        // Opened first: a connection that opens between the two would rest without its heartbeat.
        if (!_life.WasOpened || _consumer is { IsSending: true })
        {
            return;
        }

        var due = _beats?.DueAt(alive) ?? long.MaxValue;
        if (due <= alive)
        {
            return;
        }

        using (_lock.Enter())
        {
            // What a thread has corked it will flush, and nothing tells of that but the flush itself.
            if (!_life.IsClosing && !_life.IsDraining && _life.IsReceiving && !_sends.IsSending && _requests is null or { HasDue: false }
                && _peerEnd is not { IsFinished: true } && _beats is null or { IsQuiet: true })
            {
                _resting = true;
                ClockPlace.Rest(due);
            }
        }
    }

    /// <summary>Under the lock: the next tick has something to see.</summary>
    private void Wake()
    {
        if (_resting)
        {
            _resting = false;
            ClockPlace.Wake();
        }
    }

    /// <summary>
    /// What a tick of this connection is in, for a log line: its policy, its framer (which somebody's send may be in as well), or else its
    /// wire, or a logger that is told of one of these.
    /// </summary>
    public string HoldsClockUp => _beats is { AsksPolicy: true } beats ? beats.Name
        : _lock.IsHeld ? _settings.Framer.GetType().Name
        : $"{_transport.GetType().Name} or a logger";

    public void TellHeldUp(string what) => _settings.Lines.ClockHeldUp(this, what);

    /// <summary>
    /// A tick while another one does not return: only the deadline of the close is kept, as long as that cannot wait for the same call.
    /// </summary>
    public void TickLeftOut(long now)
    {
        if (_life.IsClosing && now >= _deadline && !_lock.IsHeld)
        {
            AbortWire();
        }
    }

    /// <summary>A transport that throws where it must not ends its own connection.</summary>
    public void TickFailed(Exception exception)
    {
        _settings.Lines.HandlerFailed(this, _transport.GetType().Name, exception);
        TransportFailed(exception);
    }

    /// <summary>
    /// Nothing that a batch has gathered waits longer than from one tick to the next, however long a call of it takes. Where a loop is
    /// handed over, that comes first.
    /// </summary>
    private void CheckCork()
    {
        var calls = _handlers.Calls;
        if (_sends.IsCorked && TryLiftCork(lifts: calls == _callsAtTick, flushes: false) && !_flushesSoon)
        {
            _flushesSoon = true;
            _ = FlushSoonAsync();
        }

        _callsAtTick = calls;
    }

    // Not on the clock: a send may take its time, and the others wait for their tick. The flusher's role is taken only then: the turn may
    // be late, and whoever sends or closes meanwhile flushes by itself.
    private async Task FlushSoonAsync()
    {
        await NextTurn.Of(_transport);
        _flushesSoon = false;
        if (TryLiftCork(lifts: false, flushes: true))
        {
            Flush();
        }
    }

    /// <summary>A peer that has finished or is gone is noticed also while nobody receives.</summary>
    private void CheckPeer(long alive)
    {
        if (!_life.WasOpened)
        {
            return;
        }

        if (!_life.IsReceiving)
        {
            _transport.CheckPeer();
        }

        if (Volatile.Read(ref _peerEnd) is not { } end)
        {
            return;
        }

        var facts = new PeerEnd.Facts(_life.IsReceiving, _life.Receives, _sends.IsFlushing, _transport.SendProgress, _handlers.Calls);
        var limit = _settings.HalfCloseTimeout;
        switch (end.Look(facts, alive, limit.Ticks))
        {
            case PeerEnd.Verdict.Gone:
                TransportFailed(end.Failure!);
                break;

            case PeerEnd.Verdict.Over:
                var detail = $"the peer has finished sending, and for {limit} it took nothing and no call of the handler began "
                    + "(ConnectionOptions.HalfCloseTimeout)";
                TryClose(CloseKind.PeerClosed, CloseParty.Peer, detail, null, graceful: true);
                break;

            default:
                break;
        }
    }

    private void CheckConsumer(long alive)
    {
        if (!_sends.IsFlushing)
        {
            _consumer?.Rest();
            return;
        }

        _consumer ??= new SlowConsumerWatch();
        if (_consumer.IsTooSlow(_transport.SendProgress, alive, _settings.SlowConsumerTimeout.Ticks))
        {
            var detail = $"the peer took no byte, or under {SlowConsumerWatch.LeastBytesPerSecond} bytes a second, "
                + $"for {_settings.SlowConsumerTimeout} (ConnectionOptions.SlowConsumerTimeout)";
            TryClose(CloseKind.SlowConsumer, CloseParty.Peer, detail, null, graceful: false);
        }
    }
}
