namespace SocketKit.Transports;

/// <summary>What a transport and its engine tell the connection that they serve.</summary>
internal interface IEngineObserver
{
    /// <summary>The peer has finished: the end of its stream has arrived, perhaps behind bytes that nobody has received yet. May come more than once. Called on any thread, which user code must not hold up.</summary>
    void PeerFinished();

    /// <summary>The peer is gone, by a reset or by the kernel's verdict, while nobody received. May come more than once. Called on any thread, which user code must not hold up.</summary>
    /// <param name="exception">What the next receive would throw.</param>
    void PeerGone(Exception exception);

    /// <summary>A dispatch of this connection lasts so long that its event loop has gone to another thread: what it holds back shall go out. Called on that loop.</summary>
    void CallTakesLong();

    /// <summary>A call of this connection's handler has held an event loop, by its own fault; once per episode. Called on the thread that came back, which has lost its loop, or on the thread pool.</summary>
    /// <param name="time">For so long.</param>
    /// <param name="goesOn">It has not ended yet.</param>
    void HandlerHeldLoop(TimeSpan time, bool goesOn);

    /// <summary>A call of this connection's handler blocks an event loop, and there is no thread left to give the loop to; once per episode. Called on the thread pool.</summary>
    void NoThreadLeft();

    /// <summary>An exception has escaped from what the engine runs for this connection.</summary>
    void Escaped(Exception exception);
}
