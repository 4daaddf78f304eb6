namespace SocketKit.Transports.InMemory;

/// <summary>A yield through the queue of a network's thread.</summary>
internal sealed class InMemoryYield(InMemoryPump pump, bool leavesPump) : ReusableYield(leavesPump)
{
    private static readonly SendOrPostCallback CompleteThis = static yield => ((InMemoryYield)yield!).Complete();
    private static readonly SendOrPostCallback CompleteOther = static turn => ((TaskCompletionSource)turn!).SetResult();

    protected override void Queue(TaskCompletionSource? other)
    {
        if (other is null)
        {
            pump.Queue(CompleteThis, this);
        }
        else
        {
            pump.Queue(CompleteOther, other);
        }
    }
}
