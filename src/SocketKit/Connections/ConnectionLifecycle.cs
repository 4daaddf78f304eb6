namespace SocketKit.Connections;

/// <summary>
/// How far a connection's life is. Changed under the connection's lock; any thread may read it, and then has an old answer. Each method
/// decides; the connection acts outside of the lock.
/// </summary>
/// <remarks>
/// <para>The connection goes forward only; a stop may begin before it is open, and the first cause of death comes at any time
/// before:</para>
/// <code>
/// Opening -> Open -> Draining -> Closing -> Releasing -> Released -> LastCall
/// Opening -> Draining            the server stops before it is open
/// Opening, Open -> Closing       the first cause of death
/// </code>
/// <para>The input, whose receive loop alone changes it, but for a connection that never starts:</para>
/// <code>
/// Handling &lt;-> Receiving      a receive is under way, or what it brought is handled
/// Handling  -> Ended -> Over  the peer has finished sending; the receive loop is over
/// Handling  -> Over
/// </code>
/// <para>
/// An abort unblocks the transport; it is a fact beside these, since it may come in any of Closing and Releasing. The transport is released
/// when a cause is known, nobody is inside of it, and the receive loop is over or the connection aborted.
/// </para>
/// </remarks>
internal struct ConnectionLifecycle
{
    private volatile CloseReason? _reason;
    private int _receives;
    private volatile Stage _stage;
    private volatile Input _input;
    private volatile bool _wasOpened;

    private enum Stage : byte
    {
        /// <summary>Handshakes of the transport, then the connect hook.</summary>
        Opening,
        Open,

        /// <summary>The server stops: what is in flight may finish, nothing new begins.</summary>
        Draining,

        /// <summary>A cause of death is known.</summary>
        Closing,

        /// <summary>Nobody is inside of the transport, which is disposed.</summary>
        Releasing,
        Released,

        /// <summary>The handler's last call has begun, or there is none.</summary>
        LastCall,
    }

    private enum Input : byte
    {
        Handling,
        Receiving,
        Ended,
        Over,
    }

    /// <summary>The first cause of death; null while there is none.</summary>
    public readonly CloseReason? Reason => _reason;

    public readonly bool IsClosing => _reason is not null;

    /// <summary>The handler's first call has been made, or is about to be.</summary>
    public readonly bool WasOpened => _wasOpened;

    /// <summary>The server stops, and there is no cause of death yet.</summary>
    public readonly bool IsDraining => _stage == Stage.Draining;

    public readonly bool IsReleased => _stage >= Stage.Released;

    /// <summary>The transport was told to unblock whoever is inside of it.</summary>
    public bool IsAborted { get; private set; }

    /// <summary>A stop need not wait for this connection any more.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>A receive is under way.</summary>
    public readonly bool IsReceiving => _input == Input.Receiving;

    /// <summary>How many receives, and waits for something to receive, have begun; wraps.</summary>
    public readonly int Receives => Volatile.Read(in _receives);

    /// <summary>The peer has finished sending, or the receive loop is over.</summary>
    public readonly bool IsInputEnded => _input >= Input.Ended;

    /// <summary>The receive loop is over.</summary>
    public readonly bool IsInputOver => _input == Input.Over;

    /// <summary>For a close reason: when it happened.</summary>
    public readonly ClosePhase Phase => _reason?.Phase ?? _stage switch
    {
        Stage.Opening => ClosePhase.Opening,
        Stage.Open => ClosePhase.Open,
        _ => ClosePhase.Draining,
    };

    /// <summary>The handler is there.</summary>
    /// <returns>False: there is a cause of death already.</returns>
    public bool TryOpen()
    {
        if (IsClosing)
        {
            return false;
        }

        if (_stage == Stage.Opening)
        {
            _stage = Stage.Open;
        }

        _wasOpened = true;
        return true;
    }

    /// <summary>The server stops.</summary>
    public void BeginDrain()
    {
        if (_stage < Stage.Draining)
        {
            _stage = Stage.Draining;
        }
    }

    /// <summary>The first cause of death: the caller has seen that there is none yet.</summary>
    public void Close(CloseReason reason)
    {
        _reason = reason;
        _stage = Stage.Closing;
    }

    /// <summary>The transport is to be unblocked.</summary>
    /// <returns>False: it was, or is released.</returns>
    public bool TryAbort()
    {
        if (!IsClosing || IsAborted || IsReleased)
        {
            return false;
        }

        IsAborted = true;
        return true;
    }

    /// <summary>The receive loop asks for the transport.</summary>
    /// <returns>False: there is nothing to receive any more.</returns>
    public bool TryBeginReceive()
    {
        if (IsInputEnded || IsAborted || _stage >= Stage.Releasing)
        {
            return false;
        }

        _input = Input.Receiving;
        _receives++;
        return true;
    }

    /// <summary>The wait is over, and the receive begins. The receive loop's; needs no lock.</summary>
    public void NextReceive() => Volatile.Write(ref _receives, _receives + 1);

    /// <summary>The receive loop has left the transport.</summary>
    public void EndReceive() => _input = Input.Handling;

    /// <summary>The peer has finished sending.</summary>
    public void EndInput() => _input = Input.Ended;

    /// <summary>The receive loop is over, or never began.</summary>
    public void EndReceiveLoop() => _input = Input.Over;

    /// <summary>Nobody is inside of the transport any more.</summary>
    /// <param name="isSending">But the flusher.</param>
    /// <returns>True: the caller disposes of the transport.</returns>
    public bool TryBeginRelease(bool isSending)
    {
        if (_stage != Stage.Closing || isSending || IsReceiving || !(IsInputOver || IsAborted))
        {
            return false;
        }

        _stage = Stage.Releasing;
        return true;
    }

    /// <summary>The transport is disposed of: the reason with all that is known by now.</summary>
    public void Complete(CloseReason reason) => _reason = reason;

    /// <summary>The owner knows of it.</summary>
    public void Release() => _stage = Stage.Released;

    /// <summary>The handler is idle.</summary>
    /// <returns>True: the caller makes the handler's last call.</returns>
    public bool TryBeginLastCall()
    {
        if (_stage != Stage.Released || !IsInputOver)
        {
            return false;
        }

        _stage = Stage.LastCall;
        return true;
    }

    /// <summary>The last call is over, or the handler itself waits for the stop.</summary>
    public void End() => IsEnded = true;

    /// <summary>For the debugger.</summary>
    public override readonly string ToString() => _reason?.ToString() ?? (IsDraining ? "draining" : WasOpened ? "open" : "opening");
}
