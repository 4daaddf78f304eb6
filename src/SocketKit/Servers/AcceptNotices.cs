namespace SocketKit.Servers;

/// <summary>
/// What an accept loop has to say to loggers and metrics: in order, on the thread pool, since they may be slow and the loop must not be.
/// Belongs to the loop, but for what runs on the pool.
/// </summary>
internal sealed class AcceptNotices
{
    /// <summary>Beyond so many that nobody has taken, notices are dropped: whoever listens stands still.</summary>
    private const int Most = 100;

    private Task _last = Task.CompletedTask;
    private int _waiting;

    /// <param name="notice">Must not throw.</param>
    public void Add(Action notice)
    {
        if (Interlocked.Increment(ref _waiting) > Most)
        {
            Interlocked.Decrement(ref _waiting);
            return;
        }

        _last = _last.ContinueWith(
            (_, state) =>
            {
                ((Action)state!)();
                Interlocked.Decrement(ref _waiting);
            },
            notice,
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default);
    }
}
