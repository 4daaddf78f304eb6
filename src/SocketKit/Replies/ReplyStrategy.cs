using SocketKit.Replies;

namespace SocketKit;

/// <summary>
/// Makes strategies out of functions. A function serves all connections at once, so it is thread-safe; what it throws closes the connection
/// as <see cref="CloseKind.HandlerFailed"/>.
/// </summary>
public static class ReplyStrategy
{
    /// <summary>From a function of the text: <c>ReplyStrategy.From(text => "you said " + text)</c>.</summary>
    /// <param name="reply">Gets the message as text in the connection's encoding; bytes that are not valid in it become U+FFFD.</param>
    public static IReplyStrategy From(Func<string, Reply> reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new TextFunction(reply);
    }

    /// <summary>
    /// From an asynchronous function of the text; the token is <see cref="IConnection.ClosedToken"/>, canceled when the connection is
    /// closed.
    /// </summary>
    /// <param name="reply">Gets the message as text in the connection's encoding; bytes that are not valid in it become U+FFFD.</param>
    public static IReplyStrategy From(Func<string, CancellationToken, ValueTask<Reply>> reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new AsyncTextFunction(reply);
    }

    /// <summary>From a function of the bytes.</summary>
    /// <param name="reply">Gets the message; the reply may be a slice of it.</param>
    public static IReplyStrategy FromBytes(Func<ReadOnlyMemory<byte>, Reply> reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new BytesFunction(reply);
    }

    /// <summary>
    /// From an asynchronous function of the connection and the bytes: all that <see cref="IReplyStrategy.ReplyAsync"/> gets.
    /// </summary>
    /// <param name="reply">Gets the connection, and the message, which is valid until the task completes and its reply is sent.</param>
    public static IReplyStrategy FromBytes(Func<IConnection, ReadOnlyMemory<byte>, ValueTask<Reply>> reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new FullFunction(reply);
    }
}
