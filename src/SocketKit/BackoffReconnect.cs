namespace SocketKit;

/// <summary>Capped exponential back-off with full jitter: each delay is drawn evenly from zero up to a ceiling that doubles with every failed attempt, so that a thousand clients do not come back at once.
/// Gives up only when the peer rejected the client, or at <see cref="MaxAttempts"/>.</summary>
public sealed class BackoffReconnect : IReconnectPolicy
{
    private readonly Lock _gate = new();
    private readonly Random _random;
    private readonly TimeSpan _first;
    private readonly TimeSpan _cap;

    /// <summary>Makes a policy.</summary>
    /// <param name="first">The ceiling of the first delay. Default: 500 ms.</param>
    /// <param name="cap">The highest ceiling. Default: 30 s.</param>
    /// <param name="random">The source of the jitter, locked while it is used. Default: <see cref="Random.Shared"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A ceiling is not positive, or the cap is below the first.</exception>
    public BackoffReconnect(TimeSpan? first = null, TimeSpan? cap = null, Random? random = null)
    {
        _first = first ?? TimeSpan.FromMilliseconds(500);
        _cap = cap ?? TimeSpan.FromSeconds(Math.Max(30, _first.TotalSeconds));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_first, TimeSpan.Zero, nameof(first));
        ArgumentOutOfRangeException.ThrowIfLessThan(_cap, _first, nameof(cap));
        _random = random ?? Random.Shared;
    }

    /// <summary>How many failed attempts in a row end it. Default: null, never.</summary>
    public int? MaxAttempts { get; init; }

    /// <inheritdoc/>
    public TimeSpan? NextDelay(int attempt, CloseReason reason)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempt, 1);
        ArgumentNullException.ThrowIfNull(reason);
        if (reason.Kind == CloseKind.Rejected || attempt >= MaxAttempts)
        {
            return null;
        }

        // Doubling stops where the cap is surely passed, so the ceiling cannot overflow.
        var ceiling = Math.Min(_cap.TotalMilliseconds, _first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 62)));
        lock (_gate)
        {
            return TimeSpan.FromMilliseconds(_random.NextDouble() * ceiling);
        }
    }
}
