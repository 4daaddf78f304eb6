namespace SocketKit.Transports.Sockets;

/// <summary>A yield through the thread pool's global queue, behind what waits there already.</summary>
internal sealed class PoolYield() : ReusableYield(leavesEngine: false), IThreadPoolWorkItem
{
    public void Execute() => Complete();

    protected override void Queue(TaskCompletionSource? other)
    {
        if (other is null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(static turn => turn.SetResult(), other, preferLocal: false);
        }
    }
}
