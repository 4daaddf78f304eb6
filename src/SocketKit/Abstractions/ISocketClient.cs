namespace SocketKit;

/// <summary>
/// Keeps one connection to a server, and dials again when a policy says so. Thread-safe. Sending while not connected throws
/// <see cref="ConnectionClosedException"/> at once, with the last reason.
/// </summary>
/// <remarks>
/// <see cref="SocketClient"/> is the library's. Implement it for test doubles and decorators. A minor version may add
/// members; they come with a default implementation where one is possible.
/// </remarks>
public interface ISocketClient : IMessageSender, IAsyncDisposable
{
    /// <summary>Where the client is in its life. <see cref="ClientState.Connected"/> only until the connection's first cause of
    /// death.</summary>
    ClientState State { get; }

    /// <summary>The connection, or null while there is none, or only one whose end has begun.</summary>
    IConnection? Connection { get; }

    /// <summary>
    /// Messages from the server, for clients without a <see cref="ProtocolOptions.HandlerFactory"/>. One consumer; the stream lives across
    /// reconnects and ends when the client is disposed. Each message is the consumer's to dispose. Until somebody enumerates, the newest
    /// 256 messages, at most 256 KiB, are kept.
    /// </summary>
    /// <exception cref="InvalidOperationException">The client has a handler, or somebody enumerates already.</exception>
    IAsyncEnumerable<Message> Messages { get; }

    /// <summary>
    /// Raised for every change of <see cref="State"/>, in order, one at a time, on a pool thread; a slow subscriber delays nobody but the
    /// next notice. What a subscriber throws is logged.
    /// </summary>
    event EventHandler<ClientStateChange>? StateChanged;

    /// <summary>
    /// Connects. With <see cref="SocketClientOptions.Reconnect"/> set, the policy covers the first attempt too. Joins an attempt under way;
    /// complete at once when connected. From the first cause of death of a connection
    /// on, and from the end of its input on, it waits for the next one; without a policy it begins a new attempt when the dead connection
    /// is released.
    /// </summary>
    /// <param name="cancellationToken">Ends this call's wait. The attempt goes on as long as another call waits for it, and ends when none
    /// does; a client that was connected once goes on reconnecting.</param>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <exception cref="ConnectException">The attempt failed and the policy gave up; it carries the last reason.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, or the client was disconnected or disposed of during the
    /// attempt.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed of before an attempt could begin.</exception>
    Task ConnectAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Closes the connection gracefully and ends reconnecting, an attempt under way included. <see cref="ConnectAsync"/> may be called
    /// again.
    /// </summary>
    /// <param name="detail">For the reason and the log.</param>
    /// <param name="cancellationToken">Abandons only the wait.</param>
    /// <exception cref="TimeoutException">Only in a test with virtual time: the close waited for its peer, and the clock stood still for 5
    /// s of real time. The client is disconnected all the same.</exception>
    Task DisconnectAsync(string? detail = null, CancellationToken cancellationToken = default);
}

/// <summary>Where a client is in its life.</summary>
public enum ClientState
{
    /// <summary>Not connected, and not trying.</summary>
    Disconnected = 0,

    /// <summary>Dialling, opening the wire, or running the connect hook.</summary>
    Connecting = 1,

    /// <summary>Connected.</summary>
    Connected = 2,

    /// <summary>Waiting before the next attempt.</summary>
    Waiting = 3,
}

/// <summary>One change of a client's state. Immutable and thread-safe; equal when all properties are.</summary>
public sealed record ClientStateChange
{
    /// <summary>The state before. Default: <see cref="ClientState.Disconnected"/>, in which each client begins.</summary>
    public ClientState From { get; init; }

    /// <summary>The state now. Default: <see cref="ClientState.Disconnected"/>.</summary>
    public ClientState To { get; init; }

    /// <summary>Why the connection or attempt ended; null on the way to <see cref="ClientState.Connected"/>. Default: null.</summary>
    public CloseReason? Reason { get; init; }

    /// <summary>
    /// How many attempts have failed since a connection last lived for 10 s; one whose connection was lost sooner has failed, too. Default:
    /// 0, for none.
    /// </summary>
    public int Attempt { get; init; }

    /// <summary>With <see cref="ClientState.Waiting"/>: the delay before the next attempt. Default: null.</summary>
    public TimeSpan? RetryIn { get; init; }
}
