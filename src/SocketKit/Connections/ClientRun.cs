using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>One run of a client, from ConnectAsync to the end of reconnecting. The fields that change are guarded by the session's gate or belong to its loop.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The cancellation source has neither a timer nor a wait handle, so there is nothing to dispose of.")]
internal sealed class ClientRun(TimeProvider time, ActivityContext parent)
{
    private readonly CancellationTokenSource _cancel = new();
    private TaskCompletionSource _connected = NewSignal();
    private volatile string? _detail;
    private ActivityContext _parent = parent;
    private Activity? _span;

    /// <summary>Those who wait in ConnectAsync.</summary>
    public Task Connected => Volatile.Read(ref _connected).Task;

    public TaskCompletionSource Ended { get; } = NewSignal();

    public AsyncSignal<CloseReason> Gone { get; } = new();

    public InlineDelay Delay { get; } = new(time);

    public Connection? Connection { get; set; }

    public long? OpenedAt { get; set; }

    public int Attempt { get; set; }

    public CancellationToken Token => _cancel.Token;

    public bool IsCanceled => _cancel.IsCancellationRequested;

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
    public void EndSpan(CloseReason? failure) => SocketKitActivities.End(Interlocked.Exchange(ref _span, null), failure?.Kind.ToString(), failure is null ? null : LogText.Escape(failure.ToString()));

    public void SetConnected() => _connected.TrySetResult();

    /// <summary>The connection is lost: who connects now waits for the next one.</summary>
    public void RenewConnected()
    {
        if (_connected.Task.IsCompleted)
        {
            Volatile.Write(ref _connected, NewSignal());
        }
    }

    public void Fail(Exception exception)
    {
        if (_connected.TrySetException(exception))
        {
            _ = _connected.Task.Exception;
        }
    }

    public void Cancel(string? detail)
    {
        _detail ??= detail;
        _ = _cancel.CancelAsync();
        Delay.Cancel();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
