namespace SocketKit.Transports.Tls;

/// <summary>
/// The budget for records that bring no data: renewals of keys (RFC 8446 section 4.6.3), tickets, warnings, empty ones. An honest peer sends a few in the life of a connection, and each may cost more than a record with data, so a flood of them is
/// refused, and what may be one takes turns with the other connections. Belongs to whoever receives.
/// </summary>
internal sealed class TlsIdleWork(TimeProvider timeProvider)
{
    /// <summary>So many may come at once.</summary>
    public const int Burst = 64;

    /// <summary>And so many a second for ever.</summary>
    public const int PerSecond = 16;

    /// <summary>As much as is received at a time behind records without data: forty renewals of keys.</summary>
    private const int ShortTurn = 1024;

    /// <summary>And behind many short records, of which some may have had data.</summary>
    private const int DenseTurn = 4096;
    private const int Dense = 64;

    private double _left = Burst;
    private long? _countedAt;

    // Records that have ended since there was data.
    private int _unrewarded;

    /// <summary>The most to receive next.</summary>
    public int Turn { get; private set; } = int.MaxValue;

    /// <summary>What was received last brought no data: others come first.</summary>
    public bool MustYield { get; private set; }

    /// <summary>The protocol asks for more. All records that have ended since there was data had none.</summary>
    /// <exception cref="TlsException">There were too many.</exception>
    public void Ask()
    {
        MustYield = _unrewarded > 0;
        if (!MustYield)
        {
            return;
        }

        _left = Math.Min(Burst, _left + (SinceLastTime().TotalSeconds * PerSecond)) - _unrewarded;
        _unrewarded = 0;
        Turn = ShortTurn;
        if (_left < 0)
        {
            throw new TlsException(TlsFailure.TooManyEmptyRecords, "the peer sends records of TLS without data, one after the other; it may have 64, and 16 more each second");
        }
    }

    /// <summary>Bytes for the protocol have come, in which so many records end.</summary>
    public void Received(int ended)
    {
        _unrewarded += ended;
        Turn = ended > Dense ? DenseTurn : int.MaxValue;
    }

    private TimeSpan SinceLastTime()
    {
        try
        {
            var now = timeProvider.GetTimestamp();
            var elapsed = _countedAt is { } before ? timeProvider.GetElapsedTime(before, now) : TimeSpan.Zero;
            _countedAt = now;
            return elapsed;
        }
#pragma warning disable CA1031 // A clock of somebody else's: no time passes then, and it ends no session.
        catch (Exception)
#pragma warning restore CA1031
        {
            return TimeSpan.Zero;
        }
    }

    /// <summary>The protocol has given data.</summary>
    public void Rewarded() => _unrewarded = 0;
}
