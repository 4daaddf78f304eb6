namespace SocketKit.Tests.TestDoubles;

/// <summary>A handler out of three functions.</summary>
internal sealed class TestHandler : ConnectionHandler
{
    public Func<IConnection, ValueTask> Connected { get; init; } = _ => default;

    public Func<IConnection, ReadOnlyMemory<byte>, ValueTask> Message { get; init; } = (_, _) => default;

    public Func<IConnection, CloseReason, ValueTask> Closed { get; init; } = (_, _) => default;

    public override ValueTask OnConnectedAsync(IConnection connection) => Connected(connection);

    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => Message(connection, message);

    public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason) => Closed(connection, reason);
}

/// <summary>Shorthand of the tests.</summary>
internal static class Shorthand
{
    public static string Text(this ReadOnlyMemory<byte> message) => System.Text.Encoding.UTF8.GetString(message.Span);

    /// <summary>A gate that a handler waits at; who waits goes on asynchronously.</summary>
    public static TaskCompletionSource Gate() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Numbered lines.</summary>
    public static string Lines(int from, int count, string prefix = "") => string.Concat(Enumerable.Range(from, count).Select(number => $"{prefix}{number}\n"));

    public static CloseReason Because(CloseKind kind) => new(kind, ClosePhase.Open, CloseParty.Local, null, null);
}
