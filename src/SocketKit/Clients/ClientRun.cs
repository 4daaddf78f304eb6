using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>
/// One run of a client, from ConnectAsync to the end of reconnecting. The session's lock guards its life, its waiters and its connection;
/// the rest belongs to its loop. <see cref="IsCanceled"/> and <see cref="Detail"/> are read without the lock.
/// <code>
///   Going  -> Ending     Lose, without a reconnect policy: no caller joins any more
///   Going  -> Canceled   Cancel: nothing new begins
///   Ending -> Canceled
/// </code>
/// </summary>
[SuppressMessage("Reliability", "CA1001",
    Justification = "The cancellation source has neither a timer nor a wait handle, so there is nothing to dispose of.")]
internal sealed class ClientRun(TimeProvider time, ReconnectSchedule schedule, ActivityContext parent)
{
    private readonly CancellationTokenSource _cancel = new();
    private volatile Life _life;
    private volatile string? _detail;
    private ActivityContext _parent = parent;
    private Activity? _span;

    private enum Life : byte
    {
        Going,
        Ending,
        Canceled,
    }

    public ConnectWaiters Waiters { get; } = new();

    public ReconnectSchedule Schedule { get; } = schedule;

    public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AsyncSignal<CloseReason> Gone { get; } = new();

    public InlineDelay Delay { get; } = new(time);

    public Connection? Connection { get; set; }

    public CancellationToken Token => _cancel.Token;

    /// <summary>Disconnected, disposed of or given up by its callers: nothing new begins.</summary>
    public bool IsCanceled => _life == Life.Canceled;

    /// <summary>No connection follows, so no caller joins: a later call begins a run of its own.</summary>
    public bool IsEnding => _life != Life.Going;

    public string? Detail => _detail;

    /// <summary>Why a run that is canceled has no connection.</summary>
    public CloseReason CancelReason => new(CloseKind.LocalClosed, ClosePhase.Connecting, CloseParty.Local, Detail, null);

    /// <summary>An attempt begins. The first one's span is a child of that in which ConnectAsync was called.</summary>
    public void BeginSpan(OwnerMetrics metrics, string address)
    {
        if (SocketKitActivities.AreWanted)
        {
            Volatile.Write(ref _span, SocketKitActivities.Connect(metrics, _parent, address, Schedule.Attempt));
            _parent = default;
        }
    }

    /// <summary>The attempt is over: connected, or with what it failed. Only the first call counts.</summary>
    public void EndSpan(CloseReason? failure) =>
        SocketKitActivities.End(Interlocked.Exchange(ref _span, null), failure?.Kind.ToString(), failure?.ToString());

    /// <summary>The connection is lost: a caller of ConnectAsync waits for the next one.</summary>
    /// <param name="isLast">The client does not reconnect.</param>
    public void Lose(bool isLast)
    {
        if (isLast && _life == Life.Going)
        {
            _life = Life.Ending;
        }

        Waiters.Renew();
    }

    /// <summary>From here on nothing new begins. <see cref="Unblock"/> follows, outside of the lock.</summary>
    public void Cancel(string? detail)
    {
        _detail ??= detail;
        _life = Life.Canceled;
    }

    /// <summary>Ends the dial or the delay under way. What follows runs on the pool and not on the caller's stack.</summary>
    public void Unblock()
    {
        _ = _cancel.CancelAsync();
        ThreadPool.UnsafeQueueUserWorkItem(static delay => delay.Cancel(), Delay, preferLocal: false);
    }
}
