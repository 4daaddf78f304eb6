using System.Diagnostics;

namespace SocketKit;

/// <summary>
/// Capped exponential back-off with full jitter: each delay is drawn evenly from zero up to a ceiling that doubles with every failed
/// attempt, so that a thousand clients do not come back at once. A connection that was lost within 10 s counts as a failed attempt. Gives
/// up only when the peer rejected the client, or at <see cref="MaxAttempts"/>.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class BackoffReconnect : IReconnectPolicy
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly Random _random;
    private readonly TimeSpan _first;
    private readonly TimeSpan _cap;

    /// <summary>Makes a policy.</summary>
    /// <param name="first">The ceiling of the first delay. Default: 500 ms. Above zero, at most 1 day.</param>
    /// <param name="cap">The highest ceiling. Default: 30 s, or the first if that is longer. At most 1 day.</param>
    /// <param name="random">The source of the jitter, locked while it is used. Default: <see cref="Random.Shared"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A ceiling is not positive or above 1 day, or the cap is below the first.</exception>
    public BackoffReconnect(TimeSpan? first = null, TimeSpan? cap = null, Random? random = null)
    {
        _first = first ?? TimeSpan.FromMilliseconds(500);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_first, TimeSpan.Zero, nameof(first));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_first, Longest, nameof(first));
        _cap = cap ?? TimeSpan.FromSeconds(Math.Max(30, _first.TotalSeconds));
        ArgumentOutOfRangeException.ThrowIfLessThan(_cap, _first, nameof(cap));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_cap, Longest, nameof(cap));
        _random = random ?? Random.Shared;
    }

    /// <summary>
    /// How many attempts to connect may fail in a row: it gives up when that many have. The loss of a connection never ends it, but one
    /// that was lost within 10 s counts as a failed attempt when the next one fails. Default: null, it never gives up. At least 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int? MaxAttempts
    {
        get;
        init
        {
            if (value is { } most)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(most, 1, nameof(MaxAttempts));
            }

            field = value;
        }
    }

    /// <summary>For people and debuggers: <c>BackoffReconnect, 0.5 s to 30 s, 5 attempts</c>.</summary>
    public override string ToString() =>
        $"BackoffReconnect, {SocketKitText.Time(_first)} to {SocketKitText.Time(_cap)}"
        + $"{(MaxAttempts is { } most ? $", {SocketKitText.Count(most, "attempt")}" : "")}";

    /// <inheritdoc/>
    public TimeSpan? NextDelay(int attempt, CloseReason reason)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempt, 1);
        ArgumentNullException.ThrowIfNull(reason);
        var lost = reason.Phase is ClosePhase.Open or ClosePhase.Draining;
        if (reason.Kind == CloseKind.Rejected || (!lost && attempt >= MaxAttempts))
        {
            return null;
        }

        // Doubling stops where the cap is surely passed, so the ceiling cannot overflow.
        var ceiling = Math.Min(_cap.TotalMilliseconds, _first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 62)));
        lock (_lock)
        {
            return TimeSpan.FromMilliseconds(_random.NextDouble() * ceiling);
        }
    }
}
