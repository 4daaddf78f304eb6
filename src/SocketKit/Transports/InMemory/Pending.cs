using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.InMemory;

/// <summary>
/// An operation that may have to wait, and then completes on the network's thread. Reused; the members up to <see cref="Complete"/> are
/// called under the owner's lock.
/// </summary>
/// <remarks>
/// For ends whose awaits leave the network's thread a wait is a task of its own: it is complete when the network says so, and only what
/// awaits it runs elsewhere.
/// </remarks>
internal sealed class Pending<T> : IValueTaskSource<T>, IValueTaskSource
{
    private static readonly SendOrPostCallback Callback = static state => ((Pending<T>)state!)._complete();

    private readonly InMemoryPump _pump;
    private readonly Action _complete;
    private readonly bool _leavesPump;
    private TaskCompletionSource<T>? _task;
    private ManualResetValueTaskSourceCore<T> _source;
    private bool _queued;
    private int _unread;

    /// <summary>Makes one.</summary>
    /// <param name="pump">The network's thread.</param>
    /// <param name="complete">Runs on it once queued: ends the operation, or lets it stay waiting.</param>
    /// <param name="leavesPump">What awaits the operation goes on elsewhere.</param>
    public Pending(InMemoryPump pump, Action complete, bool leavesPump)
    {
        _pump = pump;
        _complete = complete;
        _leavesPump = leavesPump;
    }

    /// <summary>True from the start to the end.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>
    /// True from the start until the result is fetched, which may be well after the end: until then it cannot be used again.
    /// </summary>
    private bool IsInUse => IsWaiting || Volatile.Read(ref _unread) != 0;

    public ValueTask<T> Start()
    {
        Begin();
        return _task is null ? new ValueTask<T>(this, _source.Version) : new ValueTask<T>(_task.Task);
    }

    public ValueTask StartPlain()
    {
        Begin();
        return _task is null ? new ValueTask(this, _source.Version) : new ValueTask(_task.Task);
    }

    /// <summary>Has the completion run, once however often it is asked for.</summary>
    public void Queue()
    {
        if (!_queued)
        {
            _queued = true;
            _pump.Queue(Callback, this);
        }
    }

    /// <summary>The cause of the completion has gone again.</summary>
    public void StayWaiting() => _queued = false;

    public void End()
    {
        IsWaiting = false;
        _queued = false;
    }

    /// <summary>Hands the result over; without the lock, since it runs what awaits it.</summary>
    public void Complete(T result, Exception? failure)
    {
        if (_leavesPump)
        {
            CompleteTask(result, failure);
        }
        else if (failure is null)
        {
            _source.SetResult(result);
        }
        else
        {
            _source.SetException(failure);
        }
    }

    public T GetResult(short token)
    {
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            Volatile.Write(ref _unread, 0);
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Begin()
    {
        if (IsInUse)
        {
            throw new InvalidOperationException("An operation of this kind is under way");
        }

        IsWaiting = true;
        if (_leavesPump)
        {
            _task = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        else
        {
            Volatile.Write(ref _unread, 1);
            _source.Reset();
        }
    }

    private void CompleteTask(T result, Exception? failure)
    {
        if (failure is OperationCanceledException cancelled)
        {
            _task!.SetCanceled(cancelled.CancellationToken);
        }
        else if (failure is not null)
        {
            _task!.SetException(failure);
        }
        else
        {
            _task!.SetResult(result);
        }
    }
}
