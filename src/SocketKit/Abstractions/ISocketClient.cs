namespace SocketKit;

/// <summary>Keeps one connection to a server, and dials again when a policy says so. Thread-safe. Sending while not connected throws <see cref="ConnectionClosedException"/> at once, with the last reason.</summary>
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

    /// <summary>Messages from the server, for clients without a <see cref="ConnectionOptions.HandlerFactory"/>. One consumer; the stream lives across reconnects and ends when the client is disposed. Each message is the
    /// consumer's to dispose. Until somebody enumerates, the newest 256 messages, at most 256 KiB, are kept.</summary>
    /// <exception cref="InvalidOperationException">The client has a handler, or somebody enumerates already.</exception>
    IAsyncEnumerable<Message> Messages { get; }

    /// <summary>Raised for every change of <see cref="State"/>, in order, one at a time, on a pool thread; a slow subscriber delays nobody but the next notice. What a subscriber throws is logged.</summary>
    event EventHandler<ClientStateChange>? StateChanged;

    /// <summary>
    /// Connects. With <see cref="SocketClientOptions.Reconnect"/> set, the policy covers the first attempt too. Joins an attempt under way;
    /// complete at once when connected. From the first cause of death of a connection
    /// on, and from the end of its input on, it waits for the next one; without a policy it begins a new attempt when the dead connection is
    /// released.
    /// </summary>
    /// <param name="cancellationToken">Ends this call's wait. The attempt goes on as long as another call waits for it, and ends when none
    /// does; a client that was connected once goes on reconnecting.</param>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <exception cref="ConnectException">The attempt failed and the policy gave up; it carries the last reason.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, or the client was disconnected or disposed of during the
    /// attempt.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed of before an attempt could begin.</exception>
    Task ConnectAsync(CancellationToken cancellationToken = default);

    /// <summary>Closes the connection gracefully and ends reconnecting, an attempt under way included. <see cref="ConnectAsync"/> may be called again.</summary>
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
    Disconnected,

    /// <summary>Dialling, opening the wire, or running the connect hook.</summary>
    Connecting,

    /// <summary>Connected.</summary>
    Connected,

    /// <summary>Waiting before the next attempt.</summary>
    Waiting,
}

/// <summary>One change of a client's state.</summary>
/// <param name="From">The state before.</param>
/// <param name="To">The state now.</param>
/// <param name="Reason">Why the connection or attempt ended; null on the way to <see cref="ClientState.Connected"/>.</param>
/// <param name="Attempt">How many attempts have failed since a connection last lived for 10 s; one whose connection was lost sooner has failed, too. 0 for none.</param>
/// <param name="RetryIn">With <see cref="ClientState.Waiting"/>: the delay before the next attempt.</param>
public sealed record ClientStateChange(ClientState From, ClientState To, CloseReason? Reason, int Attempt, TimeSpan? RetryIn);
