using System.Text;

namespace SocketKit;

/// <summary>Sends messages to one peer: a connection, or a client whose connection may change. Thread-safe. Overloads for text and spans are extension methods (<see cref="MessageSenderExtensions"/>).</summary>
public interface IMessageSender
{
    /// <summary>The encoding for text, from <see cref="ConnectionOptions.TextEncoding"/>.</summary>
    Encoding TextEncoding { get; }

    /// <summary>Sends one message. The bytes are framed and copied before this method returns, so order is the order of calls and the memory is the caller's again at once.</summary>
    /// <param name="message">The payload.</param>
    /// <param name="cancellationToken">Abandons only the wait for room; the message is sent all the same.</param>
    /// <returns>Complete at once below the high-water mark (64 KiB queued); above it, when there is room again.</returns>
    /// <exception cref="ConnectionClosedException">There is no connection, or it ended; it carries the reason. Thrown by the call, or by the returned task.</exception>
    /// <exception cref="FramingException">The framer cannot write this message; the connection lives on.</exception>
    ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default);

    /// <summary>Sends one message if that is possible right now. Never waits, never throws.</summary>
    /// <returns>False when nothing was sent: closed, above the high-water mark, or the framer refused the message.</returns>
    bool TrySend(ReadOnlyMemory<byte> message);

    /// <summary>Sends a request and waits for its response. May be called in a handler, also on its own connection, as long as the handler awaits and does not block.</summary>
    /// <param name="request">The payload of the request.</param>
    /// <param name="correlationId">0 (default): the response is the next message that counts as an answer, in order. Otherwise the id that <see cref="ConnectionOptions.CorrelationId"/> will
    /// find in the response, unused by any other pending request.</param>
    /// <param name="cancellationToken">Abandons the request; its late response is swallowed.</param>
    /// <returns>The response; dispose it to give its buffer back.</returns>
    /// <exception cref="ConnectionClosedException">There is no connection, or it ended before the response came.</exception>
    /// <exception cref="RequestTimeoutException">No response within <see cref="ConnectionOptions.RequestTimeout"/>.</exception>
    /// <exception cref="RequestRefusedException">More than <see cref="ConnectionOptions.MaxPendingRequests"/> are pending, or the id is in use.</exception>
    /// <exception cref="FramingException">The framer cannot write this message; the connection lives on.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask<Message> RequestAsync(ReadOnlyMemory<byte> request, long correlationId = 0, CancellationToken cancellationToken = default);
}
