using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.Sockets;

/// <summary>A yield through the thread pool's global queue, behind what waits there already. Reused: allocates nothing unless two yields of one connection overlap.</summary>
internal sealed class PoolYield : IValueTaskSource, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _pending;
    private int _busy;

    public ValueTask WaitAsync()
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            return ThreadPoolYield.WaitAsync();
        }

        _pending.Reset();
        var task = new ValueTask(this, _pending.Version);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return task;
    }

    public void Execute() => _pending.SetResult(true);

    public void GetResult(short token)
    {
        _pending.GetResult(token);
        Volatile.Write(ref _busy, 0);
    }

    public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);
}
