using System.Runtime.CompilerServices;

namespace SocketKit.Connections;

// The receive loop: one per connection, from its opening to the end of the input. It alone touches the fields below.
//
//   wait until readable  ->  receive into the free end  ->  parse all whole frames  ->  one flush for all replies  ->  again
//   (no buffer held)
//        Readable               Received                         Parse                      Others          <- what it waits for
//            \______________________|________________________________|__________________________/
//                                        GoOn, where it stopped
//
// It pauses while the mailbox is full, while the handler of a barrier runs, and when its turn is over. It ends at the end of the stream, at
// an error, and at the release. After a graceful close it reads on and discards: otherwise the kernel resets the connection, and destroys
// what is still on its way to the peer.
//
// Written by hand and not as an async method: every message passes here, and an idle connection waits here. A completion may run at once on
// another thread, so nothing of the loop's is touched after a wait has begun.
internal sealed partial class Connection
{
    private MessageReader _input;
    private ConfiguredValueTaskAwaitable<ReceiveResult>.ConfiguredValueTaskAwaiter _underWay;
    private Action? _onReady;
    private ReceiveWait _waitsFor;

    /// <summary>
    /// The transport's count when the receive that waits began, or <see cref="NoWait"/>. Written by the receive loop, read by a stop: a
    /// receive whose bytes are on their way through the transport does not wait any more, although it is not over.
    /// </summary>
    private long _receivedAtWait = NoWait;

    private const long NoWait = long.MinValue;

    /// <summary>How many receives in a row found data waiting: what never waits must give the others a turn.</summary>
    private int _receives;

    private enum ReceiveWait : byte
    {
        /// <summary>For something to receive.</summary>
        Readable,

        /// <summary>For a receive.</summary>
        Received,

        /// <summary>For the handler or the others, with input to parse.</summary>
        Parse,

        /// <summary>For the others, with nothing to do but receive.</summary>
        Others,
    }

    /// <summary>From one wait to the next.</summary>
    /// <param name="readable">True: there is something to receive.</param>
    private void ReceiveLoop(bool readable = false)
    {
        while (readable || TryBecomeReadable())
        {
            readable = false;
            if (!TryReceive(_input.GetFree(), ReceiveWait.Received, out var received) || !TryTake(received))
            {
                return;
            }
        }
    }

    /// <returns>False: the loop waits.</returns>
    private bool TryReceive(Memory<byte> buffer, ReceiveWait waitsFor, out ReceiveResult received)
    {
        var receive = _life.Receives;
        var before = _transport.BytesReceived;
        if (TryAwait(_transport.ReceiveAsync(buffer), waitsFor, out received, before))
        {
            return true;
        }

        if (_life.IsDraining)
        {
            // Nothing of the loop's is touched: it may be on its way again.
            _ = LookBehindAsync(receive);
        }

        return false;
    }

    /// <returns>False: the loop waits, or has ended.</returns>
    private bool TryBecomeReadable()
    {
        if (!BeginReceive())
        {
            ReceiveEnded();
            return false;
        }

        if (_input.Length > 0 || _input.IsFilled)
        {
            return true;
        }

        _input.Release();
        return TryReceive(Memory<byte>.Empty, ReceiveWait.Readable, out _);
    }

    /// <returns>False: the loop waits.</returns>
    private bool TryAwait(ValueTask<ReceiveResult> task, ReceiveWait waitsFor, out ReceiveResult received, long before = NoWait)
    {
        var awaiter = task.ConfigureAwait(false).GetAwaiter();
        if (awaiter.IsCompleted)
        {
            received = awaiter.GetResult();
            return true;
        }

        if (_sends.PreservesBoundaries)
        {
            // The messages right behind each other were one batch, which ends here.
            Uncork(Environment.CurrentManagedThreadId);
        }

        received = default;
        _underWay = awaiter;
        _waitsFor = waitsFor;
        Volatile.Write(ref _receivedAtWait, before);
        awaiter.UnsafeOnCompleted(_onReady ??= _transport.CompletesInDefaultContext ? GoOn : OnReady);
        return false;
    }

    private void OnReady() => ExecutionContext.Run(HandlerContext.Default, static self => ((Connection)self!).GoOn(), this);

    private void GoOn()
    {
        Volatile.Write(ref _receivedAtWait, NoWait);
        try
        {
            var received = _underWay.GetResult();
            _receives = _turn = 0;
            switch (_waitsFor)
            {
                case ReceiveWait.Readable:
                    // Before the kernel is asked: who looks at the wait from elsewhere sees that it is over.
                    _life.NextReceive();
                    ReceiveLoop(readable: true);
                    break;

                case ReceiveWait.Received when TryTake(received):
                case ReceiveWait.Parse when TryProcess(Environment.CurrentManagedThreadId):
                case ReceiveWait.Others:
                    ReceiveLoop();
                    break;

                default:
                    break;
            }
        }
        catch (Exception exception)
        {
            ReceiveFailed(exception);
        }
    }

    private void ReceiveFailed(Exception exception)
    {
        Uncork(Environment.CurrentManagedThreadId);
        if (_life.IsReceiving)
        {
            EndReceive();
            if (exception is EndOfStreamException)
            {
                _ = EndInputAsync(exception);
                return;
            }

            TransportFailed(exception);
        }
        else
        {
            Escaped(exception);
        }

        ReceiveEnded();
    }

    /// <summary>Gives the transport back and works off what was received.</summary>
    /// <returns>False: the loop waits, or has ended.</returns>
    private bool TryTake(ReceiveResult received)
    {
        if (received is { Count: 0, EndOfMessage: false })
        {
            EndReceive();
            Uncork(Environment.CurrentManagedThreadId);
            _ = EndInputAsync();
            return false;
        }

        _beats?.Heard();
        _receives++;
        _input.Advance(received.Count);
        if (_life.IsDraining)
        {
            _inputMark!.Count(received.Count);
        }

        _totals.AddReceived(received.Count, CoarseAge);
        _wanted = AskListeners();
        if ((_wanted & Wanted.Traffic) != 0)
        {
            _settings.Metrics.Traffic.AddReceived(received.Count, 0);
        }

        if (_sends.PreservesBoundaries && !received.EndOfMessage && !_life.IsClosing)
        {
            EndReceive();
            GuardUnfinishedMessage();
        }
        else
        {
            var me = Environment.CurrentManagedThreadId;
            EndReceiveCorked(me);
            if (received.Count == 0 && _input.Length == 0)
            {
                TakeEmptyMessage();
            }

            if (!TryProcess(me))
            {
                return false;
            }
        }

        if (_receives < ConnectionSettings.ReceivesPerTurn && _turn < ConnectionSettings.MessagesPerTurn)
        {
            return true;
        }

        _receives = _turn = 0;
        return TryAwait(TurnAsync(HandlerQueue.WaitFor.None), ReceiveWait.Others, out _);
    }

    /// <summary>Parses and handles all that is there, in turns if need be.</summary>
    /// <returns>False: the loop waits.</returns>
    private bool TryProcess(int me)
    {
        while (!TryProcessInput(me, out var wait))
        {
            _receives = _turn = 0;
            if (!TryAwait(TurnAsync(wait), ReceiveWait.Parse, out _))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Waits for the handler, if need be, and for a turn of the others.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReceiveResult> TurnAsync(HandlerQueue.WaitFor wait)
    {
        // The waker continues this on its own stack, which belongs to a handler's completion: leave it.
        if (wait != HandlerQueue.WaitFor.None)
        {
            await WaitForDispatchAsync(wait).ConfigureAwait(false);
        }

        await NextTurn.Of(_transport);
        return default;
    }

    /// <returns>False: parsing goes on after the wait, if there is one, and a turn of the others.</returns>
    private bool TryProcessInput(int me, out HandlerQueue.WaitFor wait)
    {
        wait = HandlerQueue.WaitFor.None;
        switch (ParseBatch(me))
        {
            case ParseResult.Dead:
                _input.Clear();
                DropHeld();
                return true;

            case ParseResult.NeedMore:
                if (_sends.PreservesBoundaries && !_input.IsWhole)
                {
                    var detail = "a message of the transport ended inside a frame: " + DescribeIncomplete();
                    TryClose(CloseKind.ProtocolError, CloseParty.Peer, detail, null, graceful: true);
                    _input.Clear();
                }

                return true;

            case ParseResult.TurnOver:
                return false;

            case ParseResult.Barrier:
                wait = HandlerQueue.WaitFor.Idle;
                return false;

            default:
                wait = HandlerQueue.WaitFor.Room;
                return false;
        }
    }

    private bool IsUnsent
    {
        get
        {
            using (_lock.Enter())
            {
                return _sends.IsSending && !_life.IsClosing;
            }
        }
    }

    /// <summary>
    /// The end of the stream ends only the input: handlers and the mailbox finish and their replies go out, then the connection closes.
    /// </summary>
    /// <param name="cutOff">What the transport threw instead of an orderly end.</param>
    private async Task EndInputAsync(Exception? cutOff = null)
    {
        try
        {
            using (_lock.Enter())
            {
                _life.EndInput();
            }

            PeerEnd.Finish();

            var detail = _input.IsWhole ? cutOff?.Message : DescribeIncomplete();
            var kind = detail is null ? CloseKind.PeerClosed : CloseKind.Truncated;
            FailRequests(new CloseReason(kind, _life.Phase, CloseParty.Peer, detail, cutOff));
            await TurnAsync(HandlerQueue.WaitFor.Idle).ConfigureAwait(false);
            if (kind == CloseKind.PeerClosed && TryTellInputEnded())
            {
                await TurnAsync(HandlerQueue.WaitFor.Idle).ConfigureAwait(false);
            }

            // The peer may take its time to read, as long as it reads: the rule for slow consumers holds meanwhile.
            while (IsUnsent)
            {
                await TurnAsync(HandlerQueue.WaitFor.Sent).ConfigureAwait(false);
            }

            TryClose(kind, CloseParty.Peer, detail, cutOff, graceful: true);
        }
        catch (Exception exception)
        {
            Escaped(exception);
        }

        ReceiveEnded();
    }
}
