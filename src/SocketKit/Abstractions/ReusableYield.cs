using System.Threading.Tasks.Sources;

namespace SocketKit;

/// <summary>
/// A yield through an engine's queue that allocates nothing, unless two of one connection overlap: then the second is one of its own. It is
/// queued when it is awaited, and not before: else it could be over by then, and what awaits it would go on at once, on a thread that it
/// was meant to leave.
/// </summary>
internal abstract class ReusableYield : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _pending;
    private int _busy;

    /// <summary>Makes one.</summary>
    /// <param name="leavesEngine">What awaits it goes on elsewhere than on the engine's thread.</param>
    protected ReusableYield(bool leavesEngine) => _pending.RunContinuationsAsynchronously = leavesEngine;

    /// <summary>Begins a yield; the caller awaits it.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            return Another().WaitAsync();
        }

        _pending.Reset();
        return new ValueTask(this, _pending.Version);
    }

    /// <summary>Busy until the result is fetched, so that no second yield takes the place of one that somebody still awaits.</summary>
    public void GetResult(short token)
    {
        _pending.GetResult(token);
        Volatile.Write(ref _busy, 0);
    }

    public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        _pending.OnCompleted(continuation, state, token, flags);
        Queue();
    }

    /// <summary>Makes one for the same engine.</summary>
    protected abstract ReusableYield Another();

    /// <summary>Queues a turn in which <see cref="Complete"/> is called.</summary>
    protected abstract void Queue();

    protected void Complete() => _pending.SetResult(true);
}
