using System.Buffers;

namespace SocketKit;

/// <summary>
/// Overloads for text and spans. Text is encoded by the server's <see cref="ProtocolOptions.TextEncoding"/>. Thread-safe.
/// </summary>
public static class SocketServerExtensions
{
    /// <summary>Sends text to many connections. See <see cref="ISocketServer.BroadcastAsync"/>.</summary>
    /// <param name="server">The server whose connections they are.</param>
    /// <param name="text">The message.</param>
    /// <param name="to">The recipients; null: all.</param>
    /// <param name="cancellationToken">Abandons only the wait.</param>
    /// <returns>For how many recipients the message was queued.</returns>
    public static ValueTask<int> BroadcastAsync(this ISocketServer server, string text, IEnumerable<IConnection>? to = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(text);
        var buffer = MessageSenderExtensions.Encode(server.TextEncoding, text, out var length);
        try
        {
            return server.BroadcastAsync(buffer.AsMemory(0, length), to, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends bytes to many connections. See <see cref="ISocketServer.BroadcastAsync"/>.</summary>
    /// <param name="server">The server whose connections they are.</param>
    /// <param name="message">The payload.</param>
    /// <param name="to">The recipients; null: all.</param>
    /// <param name="cancellationToken">Abandons only the wait.</param>
    /// <returns>For how many recipients the message was queued.</returns>
    /// <exception cref="FramingException">The framer cannot write this message.</exception>
    /// <exception cref="InvalidOperationException">The server was never started.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled while a recipient was waited for; the message is sent all the
    /// same.</exception>
    public static ValueTask<int> BroadcastAsync(
        this ISocketServer server, ReadOnlySpan<byte> message, IEnumerable<IConnection>? to = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        var buffer = MessageSenderExtensions.Copy(message);
        try
        {
            return server.BroadcastAsync(buffer.AsMemory(0, message.Length), to, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
