namespace SocketKit;

/// <summary>A function of the bytes as a handler. Stateless, shared by all connections.</summary>
internal sealed class MessageHandler(Func<IConnection, ReadOnlyMemory<byte>, ValueTask> onMessage) : ConnectionHandler
{
    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => onMessage(connection, message);
}

/// <summary>A function of the text as a handler. Stateless, shared by all connections.</summary>
internal sealed class TextHandler(Func<IConnection, string, ValueTask> onText) : ConnectionHandler
{
    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) =>
        onText(connection, connection.TextEncoding.GetString(message.Span));
}
