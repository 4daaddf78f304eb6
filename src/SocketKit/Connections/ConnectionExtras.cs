using System.Collections.Concurrent;

namespace SocketKit.Connections;

/// <summary>
/// What few connections need. Made at the first use of any of it, so that the others hold one field. Guarded by the connection's lock.
/// </summary>
internal sealed class ConnectionExtras
{
    public CancellationTokenSource? ClosedSource { get; set; }

    /// <summary>Canceled when the server begins to stop, and no later than <see cref="ClosedSource"/>.</summary>
    public CancellationTokenSource? StoppingSource { get; set; }

    /// <summary>The server has begun to stop.</summary>
    public bool IsStopping { get; set; }

    public TaskCompletionSource<CloseReason>? Closed { get; set; }

    /// <summary>All is sent, or lost.</summary>
    public TaskCompletionSource? Finished { get; set; }

    /// <summary>The handler's last call is over.</summary>
    public TaskCompletionSource? Ended { get; set; }

    /// <summary>The program's own; thread-safe by itself.</summary>
    public ConcurrentDictionary<object, object?>? Items { get; set; }

    /// <summary>In all, unlike the count that the receive loop checks against the limit.</summary>
    public long BytesDiscarded { get; set; }

    /// <summary>For what the connection waited when a test's clock stood still; written once, read without the lock.</summary>
    public string? WaitedFor
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }
}
