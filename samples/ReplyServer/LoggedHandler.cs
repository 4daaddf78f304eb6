using SocketKit;

namespace ReplyServer;

/// <summary>Prints who came, what came and why they left, and leaves the work to another handler.</summary>
internal sealed class LoggedHandler(ConnectionHandler inner) : ConnectionHandler
{
    public override ValueTask OnConnectedAsync(IConnection connection)
    {
        Print.Line($"[blue]{connection.RemoteEndPoint}[/] [green]came[/]");
        return inner.OnConnectedAsync(connection);
    }

    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        Print.Line($"[blue]{connection.RemoteEndPoint}[/] said {connection.TextEncoding.GetString(message.Span)}");
        return inner.OnMessageAsync(connection, message);
    }

    public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
    {
        Print.Line($"[blue]{connection.RemoteEndPoint}[/] [yellow]left[/]: {reason}");
        return inner.OnClosedAsync(connection, reason);
    }
}
