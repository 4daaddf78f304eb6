using System.Threading.Tasks.Sources;

namespace SocketKit.Transports;

/// <summary>A yield through an engine's queue that allocates nothing, unless two of one connection overlap: then the second is a task of its own.</summary>
internal abstract class ReusableYield : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _pending;
    private int _busy;

    /// <summary>Makes one.</summary>
    /// <param name="leavesEngine">What awaits it goes on elsewhere than on the engine's thread.</param>
    protected ReusableYield(bool leavesEngine) => _pending.RunContinuationsAsynchronously = leavesEngine;

    public ValueTask WaitAsync()
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            var other = new TaskCompletionSource(_pending.RunContinuationsAsynchronously ? TaskCreationOptions.RunContinuationsAsynchronously : TaskCreationOptions.None);
            Queue(other);
            return new ValueTask(other.Task);
        }

        _pending.Reset();
        var task = new ValueTask(this, _pending.Version);
        Queue(null);
        return task;
    }

    /// <summary>Busy until the result is fetched, so that no second yield takes the place of one that somebody still awaits.</summary>
    public void GetResult(short token)
    {
        _pending.GetResult(token);
        Volatile.Write(ref _busy, 0);
    }

    public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);

    /// <summary>Queues a turn in which the task source is completed or, without one, <see cref="Complete"/> called.</summary>
    protected abstract void Queue(TaskCompletionSource? other);

    protected void Complete() => _pending.SetResult(true);
}
