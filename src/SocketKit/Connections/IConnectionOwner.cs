namespace SocketKit.Connections;

/// <summary>
/// What a connection tells the server or client that it belongs to. Calls come on the engine's threads, outside every lock.
/// </summary>
internal interface IConnectionOwner
{
    /// <summary>See <see cref="IConnection.IsServer"/>.</summary>
    bool IsServer { get; }

    /// <summary>Throws on a client.</summary>
    ISocketServer Server { get; }

    /// <summary>Throws on a client.</summary>
    Listener Listener { get; }

    /// <summary>Throws on a server.</summary>
    ISocketClient Client { get; }

    /// <summary>Runs on the new connection before anything else is sent, or null.</summary>
    Func<IConnection, CancellationToken, ValueTask>? OnOpening { get; }

    /// <summary>
    /// The connection is open: the wire's handshakes and the connect hook are done. Comes before the handler's first call.
    /// </summary>
    void Opened(Connection connection);

    /// <summary>The wire is released. Comes once for each connection, opened or not, before the handler's last call.</summary>
    void Released(Connection connection, CloseReason reason);

    /// <summary>Follows <see cref="Released"/>, when <see cref="IConnection.Closed"/> is complete.</summary>
    void Gone(Connection connection, CloseReason reason);

    /// <summary>Registers a name; see <see cref="IConnection.SetNameAsync"/>.</summary>
    IConnection? SetName(Connection connection, string name);

    /// <summary>Registers a name that is free; see <see cref="IConnection.TrySetNameAsync"/>.</summary>
    bool TrySetName(Connection connection, string name);
}
