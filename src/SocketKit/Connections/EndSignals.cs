namespace SocketKit.Connections;

/// <summary>What somebody waits for at the end of a connection. Made for the first who asks, so that the others hold one field. Guarded by the connection's lock.</summary>
internal sealed class EndSignals
{
    public CancellationTokenSource? ClosedSource { get; set; }

    public TaskCompletionSource<CloseReason>? Closed { get; set; }

    /// <summary>All is sent, or lost.</summary>
    public TaskCompletionSource? Finished { get; set; }

    /// <summary>The handler's last call is over.</summary>
    public TaskCompletionSource? Ended { get; set; }
}
