using System.Buffers;
using System.Runtime.CompilerServices;

namespace SocketKit;

// Overloads for sequences, such as those that pipes give. One segment passes straight through; several are gathered in pooled memory.
public static partial class MessageSenderExtensions
{
    /// <summary>
    /// Sends the bytes of a sequence as one message. See <see cref="IMessageSender.SendAsync"/>: the memory is the caller's again when this
    /// method returns.
    /// </summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="message">The payload.</param>
    /// <param name="cancellationToken">Abandons only the wait for room; the message is sent all the same.</param>
    /// <returns>Complete at once below the high-water mark (64 KiB queued); above it, when there is room again.</returns>
    /// <exception cref="ConnectionClosedException">There is no connection, or it ended. Thrown by the call, or by the returned
    /// task.</exception>
    /// <exception cref="FramingException">The framer cannot write this message, or no array holds it; the connection lives on.</exception>
    public static ValueTask SendAsync(this IMessageSender sender, ReadOnlySequence<byte> message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sender);
        if (message.IsSingleSegment)
        {
            return sender.SendAsync(message.First, cancellationToken);
        }

        var buffer = Gather(message, out var length);
        try
        {
            return sender.SendAsync(buffer.AsMemory(0, length), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Sends the bytes of a sequence as one message, if that is possible right now. See <see cref="IMessageSender.TrySend"/>.
    /// </summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="message">The payload.</param>
    /// <returns>False when nothing was sent: closed, above the high-water mark, the framer refused the message, or no array holds
    /// it.</returns>
    public static bool TrySend(this IMessageSender sender, ReadOnlySequence<byte> message)
    {
        ArgumentNullException.ThrowIfNull(sender);
        if (message.IsSingleSegment)
        {
            return sender.TrySend(message.First);
        }

        if (message.Length > Array.MaxLength)
        {
            return false;
        }

        var buffer = Gather(message, out var length);
        try
        {
            return sender.TrySend(buffer.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Sends the bytes of a sequence as one request, and waits for its response. See <see cref="IMessageSender.RequestAsync"/>.
    /// </summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="request">The payload of the request.</param>
    /// <param name="options">A correlation id, a time-out of its own.</param>
    /// <param name="cancellationToken">Abandons the request; its late response is swallowed.</param>
    /// <returns>The response; dispose it to give its buffer back.</returns>
    public static ValueTask<Message> RequestAsync(
        this IMessageSender sender, ReadOnlySequence<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sender);
        if (request.IsSingleSegment)
        {
            return sender.RequestAsync(request.First, options, cancellationToken);
        }

        var buffer = Gather(request, out var length);
        try
        {
            return sender.RequestAsync(buffer.AsMemory(0, length), options, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends the bytes of a sequence as one request, without options, and waits for its response.</summary>
    /// <inheritdoc cref="RequestAsync(IMessageSender, ReadOnlySequence{byte}, RequestOptions, CancellationToken)"/>
    [OverloadResolutionPriority(TokenNotOptions)]
    public static ValueTask<Message> RequestAsync(this IMessageSender sender, ReadOnlySequence<byte> request, CancellationToken cancellationToken) =>
        sender.RequestAsync(request, default(RequestOptions), cancellationToken);

    private static byte[] Gather(in ReadOnlySequence<byte> segments, out int length)
    {
        if (segments.Length > Array.MaxLength)
        {
            throw new FrameTooLargeException(segments.Length, Array.MaxLength);
        }

        length = (int)segments.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        segments.CopyTo(buffer);
        return buffer;
    }
}
