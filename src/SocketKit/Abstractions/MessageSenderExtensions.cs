using System.Buffers;

namespace SocketKit;

/// <summary>Overloads for text and spans. Text is encoded by the sender's <see cref="ConnectionOptions.TextEncoding"/>.</summary>
public static class MessageSenderExtensions
{
    private const int CountedFrom = 64 * 1024;

    /// <summary>Sends text. See <see cref="IMessageSender.SendAsync"/>.</summary>
    public static ValueTask SendAsync(this IMessageSender sender, string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(text);
        var buffer = Encode(sender, text, out var length);
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
        var buffer = Encode(sender, text, out var length);
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
        var buffer = Encode(sender, request, out var length);
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

    // Every sender copies the bytes before its method returns, so the buffer goes back at once.
    private static byte[] Encode(IMessageSender sender, string text, out int length)
    {
        var encoding = sender.TextEncoding;

        // The most that a long text could take is far more than it does, and may be more than a number holds.
        var buffer = ArrayPool<byte>.Shared.Rent(text.Length <= CountedFrom ? encoding.GetMaxByteCount(text.Length) : encoding.GetByteCount(text));
        length = encoding.GetBytes(text, buffer);
        return buffer;
    }

    private static byte[] Copy(ReadOnlySpan<byte> message)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(message.Length);
        message.CopyTo(buffer);
        return buffer;
    }
}
