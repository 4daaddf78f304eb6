using System.Text;

namespace SocketKit;

/// <summary>
/// Sends messages to one peer: a connection, or a client whose connection may change. Thread-safe. Every method copies the bytes before it
/// returns, so the memory is the caller's again at once. Overloads for text and spans are extension methods
/// (<see cref="MessageSenderExtensions"/>).
/// </summary>
/// <remarks>
/// <see cref="IConnection"/> and <see cref="ISocketClient"/> are the library's. Implement it for test doubles and decorators. A minor
/// version may add members; they come with a default implementation where one is possible.
/// </remarks>
public interface IMessageSender
{
    /// <summary>The encoding for text, from <see cref="ProtocolOptions.TextEncoding"/>.</summary>
    Encoding TextEncoding { get; }

    /// <summary>
    /// Sends one message. The bytes are framed and copied before this method returns, so order is the order of calls and the memory is the
    /// caller's again at once.
    /// </summary>
    /// <param name="message">The payload.</param>
    /// <param name="cancellationToken">Abandons only the wait for room; the message is sent all the same.</param>
    /// <returns>Complete at once below the high-water mark (64 KiB queued); above it, when there is room again.</returns>
    /// <exception cref="ConnectionClosedException">There is no connection, or it ended; it carries the reason. Thrown by the call, or by
    /// the returned task.</exception>
    /// <exception cref="FramingException">The framer cannot write this message; the connection lives on.</exception>
    ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default);

    /// <summary>
    /// Sends one message if that is possible right now. Never waits, never throws. The bytes are copied before this method returns.
    /// </summary>
    /// <param name="message">The payload.</param>
    /// <returns>False when nothing was sent: closed, above the high-water mark, or the framer refused the message.</returns>
    bool TrySend(ReadOnlyMemory<byte> message);

    /// <summary>
    /// Sends a request and waits for its response. The bytes are copied before this method returns, as those of a message. May be called in
    /// a handler, also on its own connection, as long as the handler awaits and does not block.
    /// </summary>
    /// <param name="request">The payload of the request.</param>
    /// <param name="options">A correlation id, a time-out of its own. Default: answered in order, within
    /// <see cref="ProtocolOptions.RequestTimeout"/>.</param>
    /// <param name="cancellationToken">Abandons the request; its late response is swallowed.</param>
    /// <returns>The response; dispose it to give its buffer back.</returns>
    /// <exception cref="ConnectionClosedException">There is no connection, or it ended before the response came. This one, and what else
    /// refuses the request, is thrown by the call or by the returned task.</exception>
    /// <exception cref="RequestTimeoutException">No response within <see cref="RequestOptions.Timeout"/>, or
    /// <see cref="ProtocolOptions.RequestTimeout"/> without one.</exception>
    /// <exception cref="RequestRefusedException">More than <see cref="ProtocolOptions.MaxPendingRequests"/> are pending, the correlation
    /// id is in use, or there is one without <see cref="ProtocolOptions.ReadCorrelationId"/>.</exception>
    /// <exception cref="FramingException">The framer cannot write this message; the connection lives on.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask<Message> RequestAsync(ReadOnlyMemory<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default);
}
