namespace SocketKit.Connections;

// The server stops: what had arrived is handled, then the connection closes. The receive loop sets the mark at its next receive; a receive
// that waits while nothing is there reaches it.
internal sealed partial class Connection
{
    /// <summary>Where the input ends then.</summary>
    private InputMark? _inputMark;

    /// <summary>
    /// Under the lock, with nothing left to handle: the transport has taken what was queued then. Who goes on sending after that, from a
    /// thread of its own, does not put the end off.
    /// </summary>
    private bool AreRepliesSent
    {
        get
        {
            var mark = _inputMark!;
            if (mark.RepliesEnd < 0)
            {
                mark.RepliesEnd = _sends.BytesTaken + _sends.Queued;
            }

            return !_sends.IsSending || _sends.BytesTaken >= mark.RepliesEnd;
        }
    }

    /// <summary>Lets what is in flight finish, then closes.</summary>
    internal void BeginDrain()
    {
        bool opened, receiving;
        int receive;
        using (_lock.Enter())
        {
            _inputMark ??= new InputMark();
            _life.BeginDrain();
            Wake();
            opened = _life.WasOpened;
            receiving = _life.IsReceiving;
            receive = _life.Receives;
        }

        if (!opened)
        {
            TryClose(CloseKind.ServerStopping, CloseParty.Local, null, null, graceful: false);
        }
        else if (receiving)
        {
            _ = LookBehindAsync(receive);
        }
    }

    // What the engine has seen of this connection already stands in its queue before this: when it is done and the receive still waits,
    // nothing was there.
    private async Task LookBehindAsync(int receive)
    {
        try
        {
            await NextTurn.Of(_transport);
            if (_transport.BytesUnread > 0 || _life.Receives != receive)
            {
                return;
            }

            // A receive that had its bytes already, on another thread, has come to its end by now, or shows that it does not wait.
            await NextTurn.Of(_transport);
            InputWaits(receive, Volatile.Read(ref _receivedAtWait));
        }
        catch (Exception exception)
        {
            Escaped(exception);
        }
    }

    /// <summary>While the server stops: a receive waits. With nothing there for it, the input is over.</summary>
    /// <param name="receive">Its number: it may have ended meanwhile, on another thread.</param>
    /// <param name="since">The transport's count at some time of its wait.</param>
    private void InputWaits(int receive, long since)
    {
        // The kernel first: what is taken from it meanwhile shows in the count.
        if (_transport.BytesUnread > 0)
        {
            return;
        }

        using (_lock.Enter())
        {
            var waits = Volatile.Read(ref _receivedAtWait) != NoWait && _transport.BytesReceived == since;
            if (!waits || !_life.IsReceiving || _life.Receives != receive)
            {
                return;
            }

            _inputMark!.Reach();
        }

        CheckIdle();
    }

    /// <summary>
    /// What was on its way to a receive when it began to wait may have been nothing that ends it: the beginning of a TLS record, say.
    /// </summary>
    private void CheckInputMark()
    {
        var (receive, received) = (_life.Receives, _transport.BytesReceived);
        if (receive == _inputMark!.ReceiveAtTick && received == _inputMark.BytesAtTick)
        {
            InputWaits(receive, received);
        }

        (_inputMark.ReceiveAtTick, _inputMark.BytesAtTick) = (receive, received);
    }
}
