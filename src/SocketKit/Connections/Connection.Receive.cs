using System.Runtime.CompilerServices;

namespace SocketKit.Connections;

// The receive loop. One per connection, from opening to the end of the input; it alone touches the fields below.
//
//   wait until readable (no buffer held) -> receive into the free end -> parse all whole frames -> one flush for all replies -> again
//
// It stops for a while when the mailbox is full or a barrier's handler is not done, and for good at the end of the stream, an error, or death. After a graceful death it reads on and discards, so that
// the kernel does not reset the connection and destroy what is still on its way to the peer.
//
// Its steps are built by the pooling builder: their continuations stay on the engine's thread whatever context is current there, and a step that waits allocates nothing.
internal sealed partial class Connection
{
    private readonly ReceiveBuffer _input;

    /// <summary>Made with the first wait, under the gate.</summary>
    private AsyncSignal<bool>? _dispatchSignal;

    /// <summary>Begins the connection's life on the engine's own thread. Called once; returns at once.</summary>
    public void Start() => _ = RunAsync();

    private async Task RunAsync()
    {
        if (await OpenAsync().ConfigureAwait(false))
        {
#pragma warning disable CA2012 // Not awaited: the loop ends by itself and lets nothing out, and a connection then holds one frame instead of two.
            _ = ReceiveLoopAsync();
#pragma warning restore CA2012
        }
        else
        {
            ReceiveEnded();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> OpenAsync()
    {
        // Not disposed here: an asynchronous connect hook goes on with its token.
        var deadline = new CancellationTokenSource();
        lock (_gate)
        {
            _opening = deadline;
        }

        try
        {
            await _transport.YieldAsync().ConfigureAwait(false);
            await _transport.OpenAsync(deadline.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever opening throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            TryClose(CloseKind.OpenFailed, CloseParty.Peer, null, exception, graceful: false);
            return false;
        }

        BeginHandler();
        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReceiveLoopAsync()
    {
        try
        {
            // How many receives in a row found data waiting: what never waits must give the others a turn.
            var receives = 0;
            var more = false;
            while (BeginReceive())
            {
                Received received;
                Memory<byte> free;
                try
                {
                    if (_input.Length == 0 && !more)
                    {
                        _input.Release();
                        var readable = _transport.ReceiveAsync(Memory<byte>.Empty);
                        receives = readable.IsCompleted ? receives : 0;
                        await readable.ConfigureAwait(false);
                    }

                    free = _input.GetFree();
                    var receive = _transport.ReceiveAsync(free);
                    receives = receive.IsCompleted ? receives + 1 : 0;
                    received = await receive.ConfigureAwait(false);
                    _turn = receives == 0 ? 0 : _turn;
                }
#pragma warning disable CA1031 // Whatever the wire throws ends this connection and no other.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    EndReceive();
                    TransportFailed(exception);
                    break;
                }

                if (received is { Count: 0, EndOfMessage: false })
                {
                    EndReceive();
                    await EndInputAsync().ConfigureAwait(false);
                    break;
                }

                _heard = true;
                _input.Advance(received.Count);

                // A full buffer means that there is more: the wait would only cost a system call.
                more = received.Count == free.Length;
                await ProcessInputAsync(received.EndOfMessage).ConfigureAwait(false);
                if (receives >= ConnectionSettings.ReceivesPerTurn || _turn >= ConnectionSettings.MessagesPerTurn)
                {
                    receives = _turn = 0;
                    await _transport.YieldAsync().ConfigureAwait(false);
                }
            }
        }
#pragma warning disable CA1031 // A fault of ours ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Escaped(exception);
        }

        ReceiveEnded();
    }

    /// <summary>Gives the wire back and works the input off: at once, unless the handler is behind.</summary>
    private ValueTask ProcessInputAsync(bool endOfMessage)
    {
        if (_transport.KeepsMessages && !endOfMessage && _reason is null)
        {
            EndReceive();
            GuardUnfinishedMessage();
            return default;
        }

        EndReceiveCorked();
        return TryProcessInput(out var wait) ? default : ProcessWhenReadyAsync(wait);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ProcessWhenReadyAsync(DispatchWait wait)
    {
        do
        {
            // The waker continues this loop on its own stack, which belongs to a handler's completion: leave it.
            if (wait != DispatchWait.None)
            {
                await WaitForDispatchAsync(wait).ConfigureAwait(false);
            }

            await _transport.YieldAsync().ConfigureAwait(false);
        }
        while (!TryProcessInput(out wait));
    }

    /// <returns>False: parsing goes on after the wait, if there is one, and a turn of the others.</returns>
    private bool TryProcessInput(out DispatchWait wait)
    {
        wait = DispatchWait.None;
        switch (ParseBatch())
        {
            case ParseResult.Dead:
                _input.Clear();
                DropHeld();
                return true;

            case ParseResult.NeedMore:
                if (_transport.KeepsMessages && _input.Length > 0)
                {
                    TryClose(CloseKind.ProtocolError, CloseParty.Peer, "a message of the wire ended inside a frame: " + DescribeIncomplete(), null, graceful: true);
                    _input.Clear();
                }

                return true;

            case ParseResult.TurnOver:
                _turn = 0;
                return false;

            case ParseResult.Barrier:
                wait = DispatchWait.Idle;
                return false;

            default:
                wait = DispatchWait.Room;
                return false;
        }
    }

    /// <summary>The end of the stream ends only the input: handlers and the mailbox finish and their replies go out, then the connection closes.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask EndInputAsync()
    {
        lock (_gate)
        {
            _inputEnded = true;
        }

        var detail = _input.Length > 0 ? DescribeIncomplete() : null;
        var kind = detail is null ? CloseKind.PeerClosed : CloseKind.Truncated;
        FailRequests(new CloseReason(kind, Phase, CloseParty.Peer, detail, null));
        await WaitForDispatchAsync(DispatchWait.Idle).ConfigureAwait(false);
        await _transport.YieldAsync().ConfigureAwait(false);
        TryClose(kind, CloseParty.Peer, detail, null, graceful: true);
    }
}
