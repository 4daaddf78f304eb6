namespace SocketKit.Connections;

/// <summary>One caller that waits for a response. The task continues asynchronously, so it may be completed under a lock.</summary>
internal sealed class PendingRequest(long? id, TimeSpan timeout, long now)
    : TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Null: it is answered in order.</summary>
    public long? Id { get; } = id;

    public TimeSpan Timeout { get; } = timeout;

    /// <summary>It does not wait for ever.</summary>
    public bool IsTimed => Timeout != System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>Monotonic ticks: the time-out, or when a tombstone counts as lost.</summary>
    public long Due { get; private set; } = DueAfter(now, timeout);

    /// <summary>With a correlation id: its place among those that fall due. Null: it waits for ever, other than the others.</summary>
    public LinkedListNode<PendingRequest>? Place { get; set; }

    /// <summary>Answered, failed or abandoned: nobody waits any more.</summary>
    public bool Done { get; set; }

    /// <summary>In order: it was not cancelled.</summary>
    public bool TimedOut { get; set; }

    /// <summary>In order: how many late responses had been swallowed before it was made.</summary>
    public long SwallowedBefore { get; init; }

    /// <summary>Its time-out begins anew.</summary>
    public void BeginWait(long now) => Due = DueAfter(now, Timeout);

    private static long DueAfter(long now, TimeSpan timeout) =>
        timeout == System.Threading.Timeout.InfiniteTimeSpan ? long.MaxValue : now + timeout.Ticks;

    /// <summary>Fails the caller; a request that nobody awaits is no unobserved exception.</summary>
    public void Fail(Exception exception)
    {
        if (TrySetException(exception))
        {
            _ = Task.Exception;
        }
    }
}
