namespace SocketKit.Transports;

/// <summary>What an engine tells the connection that it serves. Called on the thread pool.</summary>
internal interface IEngineObserver
{
    /// <summary>A call of this connection's handler has held an event loop, by its own fault; once per episode.</summary>
    /// <param name="time">For so long.</param>
    /// <param name="goesOn">It has not ended yet.</param>
    void HandlerHeldLoop(TimeSpan time, bool goesOn);

    /// <summary>A call of this connection's handler blocks an event loop, and there is no thread left to give the loop to; once per episode.</summary>
    void NoThreadLeft();

    /// <summary>An exception has escaped from what the engine runs for this connection.</summary>
    void Escaped(Exception exception);
}
