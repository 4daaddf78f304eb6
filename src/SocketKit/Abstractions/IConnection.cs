using System.Net;

namespace SocketKit;

/// <summary>
/// One live connection, the same for a server's and a client's end: either side may push, request and answer. Thread-safe.
/// </summary>
/// <remarks>
/// The library makes the connections. Implement it for test doubles and for decorators that hand on to a connection of the library's;
/// a server or client takes no other. A minor version may add members; they come with a default implementation where one is possible.
/// </remarks>
public interface IConnection : IMessageSender
{
    /// <summary>Unique in this process, never reused.</summary>
    long Id { get; }

    /// <summary>The local end, or null when the wire has none.</summary>
    EndPoint? LocalEndPoint { get; }

    /// <summary>The remote end, or null when the wire has none. IPv4 peers of a dual-stack listener show as IPv4.</summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>
    /// What the TLS handshake came to, with the peer's certificate; null if the transport is not TLS. Told also after the connection's end.
    /// The same as <c>Find&lt;TlsInfo&gt;()</c>.
    /// </summary>
    TlsInfo? Tls => Find<TlsInfo>();

    /// <summary>
    /// Gives what only some transports have, such as <see cref="TlsInfo"/>, or what a decorator of your own keeps for each connection
    /// (<see cref="Transport.Find{T}"/>).
    /// </summary>
    /// <typeparam name="T">What to find.</typeparam>
    /// <returns>Null: no transport of this connection has one.</returns>
    T? Find<T>()
        where T : class => null;

    /// <summary>
    /// True: a server accepted the connection, so it has a <see cref="Server"/> and a <see cref="Listener"/>. False: a client dialed it, so
    /// it has a <see cref="Client"/>. Never changes. For handlers that serve both roles; others know which one they serve.
    /// </summary>
    bool IsServer { get; }

    /// <summary>The server that accepted the connection.</summary>
    /// <exception cref="InvalidOperationException">A client dialed it: <see cref="IsServer"/> is false.</exception>
    ISocketServer Server { get; }

    /// <summary>
    /// The listener of the server that accepted it, one of <see cref="SocketServerOptions.Listeners"/>: to tell by which door a peer came.
    /// Default of the interface: throws.
    /// </summary>
    /// <exception cref="InvalidOperationException">A client dialed it: <see cref="IsServer"/> is false.</exception>
    Listener Listener => throw OtherRole.Missing();

    /// <summary>The client that dialed the connection. Default of the interface: throws.</summary>
    /// <exception cref="InvalidOperationException">A server accepted it: <see cref="IsServer"/> is true.</exception>
    ISocketClient Client => throw OtherRole.Missing();

    /// <summary>The session: the handler instance that was made for this connection.</summary>
    /// <exception cref="InvalidOperationException">There is none yet: the connection is still being opened, or the handler just being
    /// made.</exception>
    ConnectionHandler Handler { get; }

    /// <summary>
    /// What handlers and decorators that share the connection keep for each other. Made at the first use, and gone with the connection;
    /// values are not disposed of. A key that is an object of your own, or a type, is nobody else's.
    /// </summary>
    /// <remarks>
    /// Thread-safe: each call is one step, and an enumeration is a moment's view. Two threads that may both add use
    /// <see cref="IDictionary{TKey, TValue}.Add"/>, which throws for the second: the extension method TryAdd looks first and then adds, and
    /// that is two steps. Default of the interface: a bag of the same kind.
    /// </remarks>
    IDictionary<object, object?> Items => ConnectionItems.Of(this);

    /// <summary>
    /// How much has passed and how it stands, at this moment; still told after the end. Takes the connection's lock for a moment, so it is
    /// for looking now and then, not for every message. Default of the interface: the default value.
    /// </summary>
    ConnectionStatistics Statistics => default;

    /// <summary>The name given by <see cref="SetNameAsync"/>, or null. In every log line.</summary>
    string? Name { get; }

    /// <summary>
    /// Names the connection (device id, user, player), once it has proved who it is: a name that a peer may choose lets it take another's
    /// place. Unique per server, the last one wins: a device that redials takes its name over, and the death of its old half-open
    /// connection does not unregister it.
    /// </summary>
    /// <param name="name">The name, 1 to 256 characters. Case-sensitive.</param>
    /// <param name="cancellationToken">Abandons the wait; without effect once the name is given.</param>
    /// <returns>
    /// The former holder of the name, still connected perhaps (close it if that is right for you), or null: it keeps the name in its log
    /// lines, and is not found by it any more. Always null on a client's connection. Complete at once as long as the register is this
    /// process's, which it is today; do not rely on it.
    /// </returns>
    /// <exception cref="ArgumentException">The name is empty, or longer than that. Thrown by the call.</exception>
    /// <exception cref="ConnectionClosedException">The connection is closed already; the name is not taken. Thrown by the task.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled before; the name is not taken. Thrown by the task.</exception>
    ValueTask<IConnection?> SetNameAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>
    /// The same, unless another open connection of the server has the name: whoever comes first keeps it. On a client's connection always
    /// possible.
    /// </summary>
    /// <param name="name">The name, 1 to 256 characters. Case-sensitive.</param>
    /// <param name="cancellationToken">Abandons the wait; without effect once the name is given.</param>
    /// <returns>
    /// False: another has it; this connection keeps the name that it had, or none. Complete at once, as <see cref="SetNameAsync"/> is.
    /// </returns>
    /// <exception cref="ArgumentException">The name is empty, or longer than that. Thrown by the call.</exception>
    /// <exception cref="ConnectionClosedException">The connection is closed already; the name is not taken. Thrown by the task.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled before; the name is not taken. Thrown by the task.</exception>
    ValueTask<bool> TrySetNameAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>
    /// Canceled when the server begins to stop, before what is in flight is drained, and at the latest with <see cref="ClosedToken"/>
    /// (with it when the client disconnects, which drains nothing). For work that should come to an end then, while there is still time to
    /// send its result: sending goes on for as long as <see cref="ClosedToken"/> is not canceled,
    /// <see cref="SocketServerOptions.DrainTimeout"/> at most.
    /// Made at the first use. What is registered runs on the thread pool. Default of the interface: <see cref="ClosedToken"/>.
    /// </summary>
    CancellationToken StoppingToken => ClosedToken;

    /// <summary>Cancelled soon after the first cause of death.</summary>
    CancellationToken ClosedToken { get; }

    /// <summary>
    /// Cancelled as soon as the peer is known to have finished sending, or at the first cause of death: nothing more will come. Messages
    /// that arrived before may still be on their way to the handler, and sending goes on as long as <see cref="ClosedToken"/> is not
    /// cancelled. What is registered runs on the thread pool. Default of the interface: <see cref="ClosedToken"/>.
    /// </summary>
    CancellationToken InputEndedToken => ClosedToken;

    /// <summary>Completes when the wire is released, before <see cref="ConnectionHandler.OnClosedAsync"/>. Never faults.</summary>
    Task<CloseReason> Closed { get; }

    /// <summary>
    /// Closes gracefully: what is queued goes out, then the end of the stream is sent. Messages that have arrived and are not handled yet
    /// are discarded, and counted in the reason. Never waits for a handler, so it may be awaited in one.
    /// </summary>
    /// <param name="detail">For the reason (<see cref="CloseReason.Detail"/>) and the log; control characters are escaped there.</param>
    /// <param name="cancellationToken">Abandons only the wait.</param>
    /// <returns>Complete when the queue is flushed and the end of the stream is sent, or after
    /// <see cref="ConnectionOptions.CloseTimeout"/>, when the connection is aborted.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; the connection closes all the same.</exception>
    ValueTask CloseAsync(string? detail = null, CancellationToken cancellationToken = default);

    /// <summary>Ends the connection at once; what is queued is lost. Idempotent, never throws.</summary>
    /// <param name="detail">
    /// For the reason (<see cref="CloseReason.Detail"/>) and the log; control characters are escaped there, so it may hold text of the
    /// peer's. Null, the default: none. Without effect if the connection has another cause of death already.
    /// </param>
    void Abort(string? detail = null);
}

/// <summary>What a connection offers to handlers of the library's own.</summary>
internal interface IHandlerHost
{
    /// <summary>The handler failed while no call was there to throw: the connection closes as if one had thrown.</summary>
    void HandlerFailed(Exception exception);
}
