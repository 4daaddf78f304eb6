namespace SocketKit.Transports;

/// <summary>What an engine tells the connection that it serves. Called on the thread pool.</summary>
internal interface IEngineObserver
{
    /// <summary>A call of this connection's handler has blocked an event loop; once per episode.</summary>
    void HandlerBlocks();

    /// <summary>A call of this connection's handler blocks an event loop, and there is no thread left to give the loop to; once per episode.</summary>
    void NoThreadLeft();

    /// <summary>An exception has escaped from what the engine runs for this connection.</summary>
    void Escaped(Exception exception);
}
