namespace SocketKit.Connections;

/// <summary>
/// A delay for one waiter inside the library, which continues on the stack of the timer or of <see cref="Cancel"/>. With a test's clock
/// everything has so happened when the clock's advance returns.
/// </summary>
internal sealed class InlineDelay(TimeProvider time)
{
    private readonly AsyncSignal<bool> _over = new();
    private ITimer? _timer;
    private int _state;

    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Canceled = 2;

    /// <summary>Waits. One wait at a time; at once after <see cref="Cancel"/>.</summary>
    public ValueTask<bool> WaitAsync(TimeSpan delay)
    {
        var over = _over.Arm();
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) != Idle)
        {
            _over.Set(false);
            return over;
        }

        try
        {
            _timer?.Dispose();
            _timer = time.CreateTimer(static self => ((InlineDelay)self!).End(), this, delay, Timeout.InfiniteTimeSpan);
        }
        catch
        {
            // No wait has begun: the next one may.
            Interlocked.CompareExchange(ref _state, Idle, Waiting);
            throw;
        }

        return over;
    }

    /// <summary>Ends the wait under way and all later ones. Idempotent.</summary>
    public void Cancel()
    {
        // In one step: a wait that begins meanwhile finds it, or is found.
        if (Interlocked.Exchange(ref _state, Canceled) == Waiting)
        {
            _over.Set(false);
        }
    }

    private void End()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Waiting) == Waiting)
        {
            _over.Set(true);
        }
    }
}
