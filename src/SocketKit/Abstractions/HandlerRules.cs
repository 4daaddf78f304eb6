namespace SocketKit;

/// <summary>
/// How a connection treats handlers and buffers on a network for tests. Found by <see cref="Transport.Find{T}"/>; other transports have
/// none.
/// </summary>
internal sealed class HandlerRules
{
    /// <summary>Released buffers are overwritten first, so that a slice that is kept too long shows.</summary>
    public bool PoisonsReleasedBuffers { get; init; }

    /// <summary>Where a handler that awaits comes back to. Null: wherever its await completes.</summary>
    public SynchronizationContext? Synchronization { get; init; }
}
