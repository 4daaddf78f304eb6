using System.Runtime.CompilerServices;

namespace SocketKit.Connections;

// The beginning: what the transport needs before the first byte of the protocol, then call number 0 of the handler, then the receive loop.
internal sealed partial class Connection
{
    /// <summary>
    /// Begins the connection's life on the engine's own thread. Called once; returns at once, and nothing of the application's runs on the
    /// caller's stack.
    /// </summary>
    public void Start() => _ = RunAsync();

    private async Task RunAsync()
    {
        try
        {
            // What follows runs handlers. The caller is an accept loop or a client's session, which a handler must never hold up.
            await NextTurn.Of(_transport);
            _context = HandlerContext.For(this, _settings.Logger);
            if (await OpenAsync().ConfigureAwait(false))
            {
                ReceiveLoop();
                return;
            }
        }
        catch (Exception exception)
        {
            ReceiveFailed(exception);
            return;
        }

        ReceiveEnded();
    }

    // A receive may wait all the same, and the connection rest.
    private void PeerHungUp()
    {
        PeerEnd.Finish();
        using (_lock.Enter())
        {
            Wake();
        }
    }

    /// <summary>
    /// What follows from the transport and the settings is known once the transport is open: an upgrade may have changed both.
    /// </summary>
    private void ReadFacts()
    {
        var rules = _transport.Find<HandlerRules>();
        _synchronization = rules?.Synchronization;
        var preservesBoundaries = _transport.PreservesMessageBoundaries;
        _input = new MessageReader(_settings, preservesBoundaries, rules is { PoisonsReleasedBuffers: true });
        if (preservesBoundaries)
        {
            _sends.PreserveBoundaries();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> OpenAsync()
    {
        // Not disposed here: an asynchronous connect hook goes on with its token.
        var deadline = new CancellationTokenSource();
        bool isOver;
        using (_lock.Enter())
        {
            // The owner may have closed it before it began.
            isOver = _life.IsClosing;
            _opening = isOver ? null : deadline;
        }

        if (isOver)
        {
            await deadline.CancelAsync().ConfigureAwait(false);
        }

        bool tellsOfPeer;
        try
        {
            tellsOfPeer = _transport.Observe(this);
            await _transport.OpenAsync(deadline.Token).ConfigureAwait(false);
            ReadFacts();
        }
        catch (Exception exception)
        {
            TryClose(CloseKind.OpenFailed, CloseParty.Peer, null, exception, graceful: false);
            return false;
        }

        if (!tellsOfPeer && _transport.HungUp is { CanBeCanceled: true } hungUp)
        {
            PeerEnd.Watch(PeerHungUp, hungUp);
        }

        if (TryBeginBeats())
        {
            BeginHandler();
        }

        return true;
    }
}
