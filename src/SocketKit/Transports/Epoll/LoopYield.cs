namespace SocketKit.Transports.Epoll;

/// <summary>A yield through the run queue of a connection's loop.</summary>
internal sealed class LoopYield(Registration owner) : ReusableYield(leavesEngine: false), ILoopItem
{
    public Registration Owner => owner;

    public void Run() => Complete();

    protected override ReusableYield Another() => new LoopYield(owner);

    protected override void Queue() => owner.Loop.Queue(this);
}
