namespace SocketKit.Transports.InMemory;

/// <summary>A yield through the network's thread for the case that one of this connection is under way already.</summary>
internal static class InMemoryYield
{
    public static ValueTask WaitAsync(InMemoryPump pump)
    {
        var turn = new TaskCompletionSource();
        pump.Queue(static state => ((TaskCompletionSource)state!).SetResult(), turn);
        return new ValueTask(turn.Task);
    }
}
