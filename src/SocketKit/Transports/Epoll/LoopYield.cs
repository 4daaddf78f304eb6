using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// A yield through the run queue of a connection's loop. Taken from a few that each thread keeps, so that neither a yield allocates nor a
/// connection holds one. It is queued when it is awaited, and not before: else it could be over by then, and what awaits it would go on at
/// once, on a thread that it was meant to leave.
/// </summary>
internal sealed class LoopYield : IValueTaskSource, ILoopItem
{
    private const int MostKept = 64;

    [ThreadStatic]
    private static Stack<LoopYield>? _kept;

    private ManualResetValueTaskSourceCore<bool> _pending;
    private Registration? _owner;

    public Registration Owner => _owner!;

    /// <summary>Begins a yield; the caller awaits it.</summary>
    public static ValueTask WaitAsync(Registration owner)
    {
        if (_kept is null || !_kept.TryPop(out var yield))
        {
            yield = new LoopYield();
        }

        yield._owner = owner;
        yield._pending.Reset();
        return new ValueTask(yield, yield._pending.Version);
    }

    public void Run() => _pending.SetResult(true);

    public void GetResult(short token)
    {
        _pending.GetResult(token);
        _owner = null;
        var kept = _kept ??= new Stack<LoopYield>();
        if (kept.Count < MostKept)
        {
            kept.Push(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        _pending.OnCompleted(continuation, state, token, flags);
        _owner!.Loop.Queue(this);
    }
}
