using System.Net;

namespace SocketKit;

/// <summary>One live connection, the same for a server's and a client's end: either side may push, request and answer. Thread-safe.</summary>
public interface IConnection : IMessageSender
{
    /// <summary>Unique in this process, never reused.</summary>
    long Id { get; }

    /// <summary>The local end, or null when the wire has none.</summary>
    EndPoint? LocalEndPoint { get; }

    /// <summary>The remote end, or null when the wire has none. IPv4 peers of a dual-stack listener show as IPv4.</summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>What the TLS handshake came to, with the peer's certificate; null if the transport is not TLS. Told also after the connection's end. The same as <c>Find&lt;TlsInfo&gt;()</c>.</summary>
    TlsInfo? Tls => Find<TlsInfo>();

    /// <summary>
    /// Gives what only some transports have, such as <see cref="TlsInfo"/>, or what a decorator of your own keeps for each connection
    /// (<see cref="Transport.Find{T}"/>).
    /// </summary>
    /// <typeparam name="T">What to find.</typeparam>
    /// <returns>Null: no transport of this connection has one.</returns>
    T? Find<T>()
        where T : class => null;

    /// <summary>The server that accepted it.</summary>
    /// <exception cref="InvalidOperationException">It is a client's connection.</exception>
    ISocketServer Server { get; }

    /// <summary>The session: the handler instance that was made for this connection.</summary>
    /// <exception cref="InvalidOperationException">There is none yet: the connection is still being opened, or the handler just being made.</exception>
    ConnectionHandler Handler { get; }

    /// <summary>The name given by <see cref="SetName"/>, or null. In every log line.</summary>
    string? Name { get; }

    /// <summary>Names the connection (device id, user, player), once it has proved who it is: a name that a peer may choose lets it take another's place. Unique per server, the last one wins: a device that redials takes its name over, and the death of its old half-open connection does not unregister it.</summary>
    /// <param name="name">The name, 1 to 256 characters.</param>
    /// <returns>The former holder of the name, still connected perhaps (close it if that is right for you), or null: it keeps the name in its log lines, and is not found by it any more. Always null on a client's connection.</returns>
    /// <exception cref="ArgumentException">The name is empty, or longer than that.</exception>
    /// <exception cref="ConnectionClosedException">The connection is closed already; the name is not taken.</exception>
    IConnection? SetName(string name);

    /// <summary>The same, unless another open connection of the server has the name: whoever comes first keeps it. On a client's connection always possible.</summary>
    /// <param name="name">The name, 1 to 256 characters.</param>
    /// <returns>False: another has it; this connection keeps the name that it had, or none.</returns>
    /// <exception cref="ArgumentException">The name is empty, or longer than that.</exception>
    /// <exception cref="ConnectionClosedException">The connection is closed already; the name is not taken.</exception>
    bool TrySetName(string name);

    /// <summary>Cancelled soon after the first cause of death.</summary>
    CancellationToken ClosedToken { get; }

    /// <summary>Cancelled as soon as the peer is known to have finished sending, or at the first cause of death: nothing more will come. Messages that arrived before may still be on their way to the handler, and sending goes on as long as
    /// <see cref="ClosedToken"/> is not cancelled. What is registered runs on the thread pool. Default of the interface: <see cref="ClosedToken"/>.</summary>
    CancellationToken InputEndedToken => ClosedToken;

    /// <summary>Completes when the wire is released, before <see cref="ConnectionHandler.OnClosedAsync"/>. Never faults.</summary>
    Task<CloseReason> Closed { get; }

    /// <summary>Closes gracefully: what is queued goes out, then the end of the stream is sent. Messages that have arrived and are not handled yet are discarded, and counted in the reason. Never waits for a handler, so it may be awaited in one.</summary>
    /// <param name="detail">For the reason and the log.</param>
    /// <param name="cancellationToken">Abandons only the wait.</param>
    /// <returns>Complete when the queue is flushed and the end of the stream is sent, or after <see cref="ConnectionOptions.CloseTimeout"/>, when the connection is aborted.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; the connection closes all the same.</exception>
    ValueTask CloseAsync(string? detail = null, CancellationToken cancellationToken = default);

    /// <summary>Ends the connection at once; what is queued is lost. Idempotent, never throws.</summary>
    void Abort();
}

/// <summary>What a connection offers to handlers of the library's own.</summary>
internal interface IHandlerHost
{
    /// <summary>The handler failed while no call was there to throw: the connection closes as if one had thrown.</summary>
    void HandlerFailed(Exception exception);
}
