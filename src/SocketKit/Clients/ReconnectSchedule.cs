using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>
/// How often a run has failed, and how long it waits before it dials again. Used by the run's loop alone, except for
/// <see cref="Opened"/>, which comes before the loop learns that the connection has ended.
/// </summary>
internal sealed class ReconnectSchedule(IReconnectPolicy? policy, ILogger logger)
{
    /// <summary>A connection that lived this long has proved that the server works: back-off begins anew.</summary>
    private static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(10);

    /// <summary>The longest delay that every timer takes.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(int.MaxValue);

    private long? _openedAt;

    /// <summary>Attempts that have failed in a row.</summary>
    public int Attempt { get; private set; }

    /// <param name="now">By the client's clock, in ticks.</param>
    public void Opened(long now) => _openedAt = now;

    /// <summary>The attempt has failed, or its connection is lost. One that is lost soon counts as a failed attempt, to avoid a tight
    /// loop against a server that accepts and drops.</summary>
    /// <param name="now">By the client's clock, in ticks.</param>
    public void Ended(long now)
    {
        Attempt = _openedAt is { } openedAt && now - openedAt >= ProvenAfter.Ticks ? 0 : Attempt + 1;
        _openedAt = null;
    }

    /// <returns>Null: the client does not dial again.</returns>
    public TimeSpan? NextDelay(CloseReason reason)
    {
        if (reason.Kind == CloseKind.Rejected || policy is null)
        {
            return null;
        }

        try
        {
            var delay = policy.NextDelay(Math.Max(1, Attempt), reason);
            if (delay < TimeSpan.Zero)
            {
                throw new InvalidOperationException($"NextDelay returned {delay}; return null to give up, or a delay that is not negative");
            }

            return delay > LongestDelay ? LongestDelay : delay;
        }
#pragma warning disable CA1031 // A policy is user code: when it fails, reconnecting ends, and the log says why.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.PolicyFailed(logger, policy.GetType().Name, exception);
            return null;
        }
    }
}
