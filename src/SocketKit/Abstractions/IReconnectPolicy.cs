namespace SocketKit;

/// <summary>Says when a client dials again. Thread-safe: one instance may serve several clients.</summary>
/// <remarks>Made to be implemented by you. A member that a minor version adds has a default implementation.</remarks>
public interface IReconnectPolicy
{
    /// <summary>The delay before the next attempt. A policy that throws ends reconnecting, and the log says why.</summary>
    /// <param name="attempt">How many attempts have failed since a connection last lived for 10 s. One whose connection was lost sooner has
    /// failed, too. At least 1: also when a connection is lost that lived for 10 s and nothing has failed yet.</param>
    /// <param name="reason">Why the last connection or attempt ended. Its <see cref="CloseReason.Phase"/> tells which:
    /// <see cref="ClosePhase.Connecting"/> or <see cref="ClosePhase.Opening"/> for an attempt that did not connect, otherwise a connection
    /// was lost.</param>
    /// <returns>The delay, or null to give up. Zero: at once. A negative one (<see cref="Timeout.InfiniteTimeSpan"/>, too) is a fault, as
    /// if the policy had thrown; one above <see cref="int.MaxValue"/> milliseconds (24.8 days) is cut to that.</returns>
    TimeSpan? NextDelay(int attempt, CloseReason reason);
}
