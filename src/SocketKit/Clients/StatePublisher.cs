using System.Diagnostics;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>
/// A client's state as it was last published: in the metrics, and to the subscriber. Guarded by the session's lock, so that the notices are
/// queued in the order of the changes; the subscriber is told outside of it.
/// <code>
///   Disconnected -> Connecting     ConnectAsync begins a run
///   Connecting   -> Connected      the connection is open
///   Connecting   -> Waiting        the attempt failed, and the policy gave a delay
///   Connected    -> Waiting        the connection is lost, and the policy gave a delay
///   Waiting      -> Connecting     the delay is over
///   each of them -> Disconnected   the run is over
/// </code>
/// </summary>
internal sealed class StatePublisher(OwnerMetrics metrics, StateNotices notices)
{
    private ClientState? _counted;
    private bool _retired;

    public ClientState Current { get; private set; }

    public void Change(ClientState to, CloseReason? reason, int attempt, TimeSpan? retryIn)
    {
        Debug.Assert(IsLegal(Current, to), $"{Current} -> {to}");
        var from = Current;
        Current = to;
        if (!_retired)
        {
            Count(to);
        }

        notices.Add(new ClientStateChange { From = from, To = to, Reason = reason, Attempt = attempt, RetryIn = retryIn });
    }

    /// <summary>The client is disposed of: the metrics do not count it any more.</summary>
    public void Retire()
    {
        _retired = true;
        Count(null);
    }

    /// <summary>The table above.</summary>
    internal static bool IsLegal(ClientState from, ClientState to) => (from, to) switch
    {
        (ClientState.Disconnected or ClientState.Waiting, ClientState.Connecting) => true,
        (ClientState.Connecting, ClientState.Connected) => true,
        (ClientState.Connecting or ClientState.Connected, ClientState.Waiting) => true,
        (not ClientState.Disconnected, ClientState.Disconnected) => true,
        _ => false,
    };

    private void Count(ClientState? state)
    {
        metrics.CountState(_counted, state);
        _counted = state;
    }
}
