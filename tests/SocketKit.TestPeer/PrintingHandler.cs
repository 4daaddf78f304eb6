using System.Diagnostics;

namespace SocketKit.TestPeer;

/// <summary>
/// Calls a function for messages, and prints <c>ended REASON @TIMESTAMP</c> for each connection that is closed; the time is the machine's
/// monotonic one, which is every process's.
/// </summary>
internal sealed class PrintingHandler(Func<IConnection, ReadOnlyMemory<byte>, ValueTask> onMessage) : ConnectionHandler
{
    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => onMessage(connection, message);

    public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
    {
        Console.WriteLine($"ended {reason} @{Stopwatch.GetTimestamp()}");
        return default;
    }
}
