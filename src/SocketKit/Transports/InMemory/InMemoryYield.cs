namespace SocketKit.Transports.InMemory;

/// <summary>A yield through the queue of a network's thread.</summary>
internal sealed class InMemoryYield(InMemoryPump pump, bool leavesPump) : ReusableYield(leavesPump)
{
    private static readonly SendOrPostCallback CompleteThis = static yield => ((InMemoryYield)yield!).Complete();

    private readonly bool _leavesPump = leavesPump;

    protected override ReusableYield Another() => new InMemoryYield(pump, _leavesPump);

    protected override void Queue() => pump.Queue(CompleteThis, this);
}
