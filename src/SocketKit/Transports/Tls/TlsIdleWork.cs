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

    // Records that have ended and that no data has paid for.
    private int _unrewarded;
    private bool _isDense;

    /// <summary>The most to receive next.</summary>
    public int Turn { get; private set; } = int.MaxValue;

    /// <summary>What was received last brought no data, or little in many records: others come first.</summary>
    public bool MustYield { get; private set; }

    /// <summary>The protocol asks for more: it has given all data of the records that have ended.</summary>
    /// <exception cref="TlsException">There were too many without any.</exception>
    public void Ask()
    {
        MustYield = _unrewarded > 0 || _isDense;
        if (_unrewarded == 0)
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
        _isDense = ended > Dense;
        Turn = _isDense ? DenseTurn : int.MaxValue;
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

    /// <summary>The protocol has given data. A record with data has a byte of it at least, so each byte pays for one record.</summary>
    public void Rewarded(int bytes) => _unrewarded = Math.Max(0, _unrewarded - bytes);
}
