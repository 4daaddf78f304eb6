namespace SocketKit.Transports.Sockets;

/// <summary>A yield through the thread pool's global queue, behind what waits there already.</summary>
internal sealed class PoolYield() : ReusableYield(leavesEngine: false), IThreadPoolWorkItem
{
    public void Execute() => Complete();

    protected override ReusableYield Another() => new PoolYield();

    protected override void Queue() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
}
