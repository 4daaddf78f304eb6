namespace SocketKit;

/// <summary>Says when a client dials again. Thread-safe: one instance may serve several clients.</summary>
public interface IReconnectPolicy
{
    /// <summary>The delay before the next attempt.</summary>
    /// <param name="attempt">How many attempts have failed since a connection last lived for 10 s; at least 1.</param>
    /// <param name="reason">Why the last connection or attempt ended.</param>
    /// <returns>The delay, or null to give up.</returns>
    TimeSpan? NextDelay(int attempt, CloseReason reason);
}
