namespace SocketKit.Replies;

/// <summary>The same reply to every message.</summary>
internal sealed class FixedReply(Reply reply) : IReplyStrategy
{
    private readonly Reply _reply = reply.Keep();

    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) => new(_reply);
}

/// <summary>A function of the text.</summary>
internal sealed class TextFunction(Func<string, Reply> reply) : IReplyStrategy
{
    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) =>
        new(reply(connection.TextEncoding.GetString(message.Span)));
}

/// <summary>An asynchronous function of the text.</summary>
internal sealed class AsyncTextFunction(Func<string, CancellationToken, ValueTask<Reply>> reply) : IReplyStrategy
{
    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) =>
        reply(connection.TextEncoding.GetString(message.Span), connection.ClosedToken);
}

/// <summary>A function of the bytes.</summary>
internal sealed class BytesFunction(Func<ReadOnlyMemory<byte>, Reply> reply) : IReplyStrategy
{
    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) => new(reply(message));
}

/// <summary>A function of everything.</summary>
internal sealed class FullFunction(Func<IConnection, ReadOnlyMemory<byte>, ValueTask<Reply>> reply) : IReplyStrategy
{
    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) =>
        reply(connection, message);
}
