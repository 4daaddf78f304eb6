namespace SocketKit;

/// <summary>Overloads for text. Text is encoded by the server's <see cref="ConnectionOptions.TextEncoding"/>.</summary>
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
        return server.BroadcastAsync(server.TextEncoding.GetBytes(text), to, cancellationToken);
    }
}
