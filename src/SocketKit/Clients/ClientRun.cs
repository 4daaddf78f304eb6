using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>One run of a client, from ConnectAsync to the end of reconnecting. What changes is guarded by the session's gate or belongs to
/// its loop.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The cancellation source has neither a timer nor a wait handle, so there is nothing to dispose of.")]
internal sealed class ClientRun(TimeProvider time, ActivityContext parent)
{
    private readonly CancellationTokenSource _cancel = new();
    private TaskCompletionSource _connected = NewSignal();
    private volatile bool _canceled;
    private volatile string? _detail;
    private int _waiters;
    private bool _wasConnected;
    private bool _isLast;
    private ActivityContext _parent = parent;
    private Activity? _span;

    /// <summary>Completes with the connection that is open or comes next.</summary>
    public Task Connected => _connected.Task;

    public TaskCompletionSource Ended { get; } = NewSignal();

    public AsyncSignal<CloseReason> Gone { get; } = new();

    public InlineDelay Delay { get; } = new(time);

    public Connection? Connection { get; set; }

    public long? OpenedAt { get; set; }

    public int Attempt { get; set; }

    public CancellationToken Token => _cancel.Token;

    /// <summary>Disconnected, disposed of or given up by its callers: nothing new begins.</summary>
    public bool IsCanceled => _canceled;

    /// <summary>No connection follows, so nobody joins: a later call begins a run of its own.</summary>
    public bool IsEnding => _canceled || _isLast;

    public string? Detail => _detail;

    /// <summary>An attempt begins. The first one's span is a child of that in which ConnectAsync was called.</summary>
    public void BeginSpan(OwnerMetrics metrics, string address)
    {
        if (SocketKitActivities.AreWanted)
        {
            Volatile.Write(ref _span, SocketKitActivities.Connect(metrics, _parent, address, Attempt));
            _parent = default;
        }
    }

    /// <summary>The attempt is over: connected, or with what it failed. Only the first call counts.</summary>
    public void EndSpan(CloseReason? failure) =>
        SocketKitActivities.End(Interlocked.Exchange(ref _span, null), failure?.Kind.ToString(), failure?.ToString());

    /// <summary>A caller of ConnectAsync waits for the connection.</summary>
    public Task Join()
    {
        _waiters++;
        return Connected;
    }

    /// <summary>A caller does not wait any longer.</summary>
    /// <returns>True when it was the last one and no connection has ever stood: the attempt is nobody's.</returns>
    public bool Leave() => --_waiters == 0 && !_wasConnected;

    public void SetConnected()
    {
        _wasConnected = true;
        _connected.TrySetResult();
    }

    /// <summary>The connection is lost: a caller of ConnectAsync waits for the next one.</summary>
    /// <param name="isLast">The client does not reconnect.</param>
    public void Lose(bool isLast)
    {
        _isLast = isLast;
        if (_connected.Task.IsCompleted)
        {
            _connected = NewSignal();
        }
    }

    public void Fail(Exception exception)
    {
        if (_connected.TrySetException(exception))
        {
            _ = _connected.Task.Exception;
        }
    }

    /// <summary>From here on nothing new begins. <see cref="Unblock"/> follows, without the gate.</summary>
    public void Cancel(string? detail)
    {
        _detail ??= detail;
        _canceled = true;
    }

    /// <summary>Ends the dial or the delay under way. What follows runs on the pool and not on the caller's stack.</summary>
    public void Unblock()
    {
        _ = _cancel.CancelAsync();
        ThreadPool.UnsafeQueueUserWorkItem(static delay => delay.Cancel(), Delay, preferLocal: false);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
