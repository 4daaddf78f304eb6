using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace SocketKit;

/// <summary>Overloads for text, spans, sequences of segments, and callbacks that write the payload. Text is encoded by the sender's
/// <see cref="ProtocolOptions.TextEncoding"/>. Thread-safe.</summary>
public static partial class MessageSenderExtensions
{
    private const int CountedFrom = 64 * 1024;

    // Which overload is meant where the types leave it open. default, and new() { Timeout = ... }, are options rather than a token or a
    // callback; an array is memory rather than a span, which is copied once more.
    private const int TokenNotOptions = -1;
    private const int SpanNotMemory = -2;
    private const int Callback = -3;
    private const int CallbackWithState = -4;
    private const int CallbackTokenNotOptions = -5;
    private const int CallbackWithStateTokenNotOptions = -6;

    /// <summary>Sends text. See <see cref="IMessageSender.SendAsync"/>.</summary>
    public static ValueTask SendAsync(this IMessageSender sender, string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(text);
        var buffer = Encode(sender.TextEncoding, text, out var length);
        try
        {
            return sender.SendAsync(buffer.AsMemory(0, length), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends bytes. See <see cref="IMessageSender.SendAsync"/>.</summary>
    public static ValueTask SendAsync(this IMessageSender sender, ReadOnlySpan<byte> message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sender);
        var buffer = Copy(message);
        try
        {
            return sender.SendAsync(buffer.AsMemory(0, message.Length), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends text if that is possible right now. See <see cref="IMessageSender.TrySend"/>.</summary>
    public static bool TrySend(this IMessageSender sender, string text)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(text);
        var buffer = Encode(sender.TextEncoding, text, out var length);
        try
        {
            return sender.TrySend(buffer.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends bytes if that is possible right now. See <see cref="IMessageSender.TrySend"/>.</summary>
    public static bool TrySend(this IMessageSender sender, ReadOnlySpan<byte> message)
    {
        ArgumentNullException.ThrowIfNull(sender);
        var buffer = Copy(message);
        try
        {
            return sender.TrySend(buffer.AsMemory(0, message.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends a request as text. See <see cref="IMessageSender.RequestAsync"/>.</summary>
    public static ValueTask<Message> RequestAsync(this IMessageSender sender, string request, RequestOptions options = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(request);
        var buffer = Encode(sender.TextEncoding, request, out var length);
        try
        {
            return sender.RequestAsync(buffer.AsMemory(0, length), options, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends a request as bytes. See <see cref="IMessageSender.RequestAsync"/>.</summary>
    public static ValueTask<Message> RequestAsync(this IMessageSender sender, ReadOnlySpan<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sender);
        var buffer = Copy(request);
        try
        {
            return sender.RequestAsync(buffer.AsMemory(0, request.Length), options, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends a request without options, and waits for its response. See <see cref="IMessageSender.RequestAsync"/>.</summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="request">The payload of the request.</param>
    /// <param name="cancellationToken">Abandons the request; its late response is swallowed.</param>
    /// <returns>The response; dispose it to give its buffer back.</returns>
    [OverloadResolutionPriority(TokenNotOptions)]
    public static ValueTask<Message> RequestAsync(this IMessageSender sender, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sender);
        return sender.RequestAsync(request, default, cancellationToken);
    }

    /// <summary>Sends a request as text, without options, and waits for its response.</summary>
    /// <inheritdoc cref="RequestAsync(IMessageSender, ReadOnlyMemory{byte}, CancellationToken)"/>
    [OverloadResolutionPriority(TokenNotOptions)]
    public static ValueTask<Message> RequestAsync(this IMessageSender sender, string request, CancellationToken cancellationToken) =>
        sender.RequestAsync(request, default(RequestOptions), cancellationToken);

    /// <summary>Sends a request as bytes, without options, and waits for its response.</summary>
    /// <inheritdoc cref="RequestAsync(IMessageSender, ReadOnlyMemory{byte}, CancellationToken)"/>
    [OverloadResolutionPriority(SpanNotMemory)]
    public static ValueTask<Message> RequestAsync(this IMessageSender sender, ReadOnlySpan<byte> request, CancellationToken cancellationToken) =>
        sender.RequestAsync(request, default(RequestOptions), cancellationToken);

    /// <summary>Text as bytes in a pooled array, which the caller gives back.</summary>
    internal static byte[] Encode(Encoding encoding, string text, out int length)
    {
        // The most that a long text could take is far more than it does, and may be more than a number holds.
        var buffer = ArrayPool<byte>.Shared.Rent(text.Length <= CountedFrom ? encoding.GetMaxByteCount(text.Length) : encoding.GetByteCount(text));
        try
        {
            length = encoding.GetBytes(text, buffer);
            return buffer;
        }
        catch
        {
            // An encoding may refuse a text.
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    /// <summary>A span in a pooled array, which the caller gives back.</summary>
    internal static byte[] Copy(ReadOnlySpan<byte> message)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(message.Length);
        message.CopyTo(buffer);
        return buffer;
    }
}
