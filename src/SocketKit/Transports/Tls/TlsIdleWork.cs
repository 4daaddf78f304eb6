namespace SocketKit.Transports.Tls;

/// <summary>
/// The budget for records that bring no data: renewals of keys (RFC 8446 section 4.6.3), requests for certificates (section 4.6.2),
/// tickets, warnings, empty ones. An honest peer sends a few in the life of a connection. Each may cost more than a record with data, and
/// what the engine answers is kept until something else is sent: so a flood of them is refused, and what may be one takes turns with the
/// other connections. Belongs to whoever receives, but for
/// <see cref="Sent"/>.
/// </summary>
/// <remarks>
/// Records with data in between are no excuse. What of the received bytes is neither data nor its protection tells that there are such
/// records among the others; from then on each record is received by itself, so that it shows which have brought data. (So is a peer that
/// pads its records, section 5.4.) What comes with the opening, tickets as a rule, is forgotten when enough in a row had data alone.
/// <para>One record may hold a thousand requests, each of which costs a signature, or hundreds of tickets: so the processor time of records
/// that are received one by one and bring no data counts, too. What a record costs shows when it is worked off, so one of up to 16 KiB is
/// always worked off whole.</para>
/// <para>With block ciphers (CBC, TLS 1.2) what protects a record varies: records without data are not told from data then where some
/// stands between them. They cost as much as those with data.</para>
/// </remarks>
/// <param name="timeProvider">The clock.</param>
/// <param name="overhead">What protects a record of this session, in bytes: see <see cref="TlsOverhead"/>.</param>
/// <param name="isWary">Each record is received by itself from the first one on: a message without data may be dear.</param>
internal sealed class TlsIdleWork(TimeProvider timeProvider, int overhead, bool isWary)
{
    /// <summary>So many may come at once.</summary>
    public const int Burst = 64;

    /// <summary>And so many a second for ever.</summary>
    public const int PerSecond = 16;

    /// <summary>And so many while nothing is sent: answers to them take 110 KB.</summary>
    public const int SinceSent = 4096;

    /// <summary>
    /// Of those, so many are forgotten each minute, so that a peer that renews its keys by the clock may go on for ever: answers to them
    /// take 40 KB a day.
    /// </summary>
    public const int ForgottenPerMinute = 1;

    /// <summary>
    /// What is longer than a renewal of keys costs as much as so many, and, received by itself, one more for each millisecond.
    /// </summary>
    public const int CostOfLong = 2;

    /// <summary>The bytes of such records while nothing is sent, in a wary session: answers may be four hundred times as long.</summary>
    public const int LongBytesSinceSent = 64 * 1024;

    /// <summary>
    /// So many records in a row that had data and nothing else are received together again, if the others came among the first.
    /// </summary>
    public const int Clean = 256;

    /// <summary>So many records are the opening.</summary>
    public const int Opening = 64;

    /// <summary>A renewal of keys, without its protection: nothing of the protocol's own is shorter.</summary>
    private const int Shortest = 5;

    /// <summary>As much as is received at a time behind records without data: forty renewals of keys.</summary>
    private const int ShortTurn = 1024;

    /// <summary>And behind many short records, of which some may have had data.</summary>
    private const int DenseTurn = 4096;
    private const int Dense = 64;

    private double _left = Burst;
    private long? _countedAt;

    // Since the protocol asked last: records that have ended, their bytes, and the data that they gave.
    private int _records;
    private long _bytes;
    private long _data;
    private int _lastLength;
    private TimeSpan _took;
    private bool _isDense;

    private bool _suspects;
    private bool _suspectsForGood;
    private int _clean;
    private int _seen;
    private double _idleSinceSent;
    private long _longBytesSinceSent;
    private volatile bool _sent;

    /// <summary>The most to receive next.</summary>
    public int Turn { get; private set; } = int.MaxValue;

    /// <summary>No two records may end in what is received next.</summary>
    public bool RecordByRecord => isWary || _suspects;

    /// <summary>What was received last brought no data, or little in many records: others come first.</summary>
    public bool MustYield { get; private set; }

    /// <summary>The protocol asks for more: it has given all data of the records that have ended.</summary>
    /// <exception cref="TlsException">There were too many without any.</exception>
    public void Ask()
    {
        var (records, beyond, data, took) = (_records, _bytes - _data - ((long)_records * overhead), _data, _took);
        _records = 0;
        _took = default;
        _bytes = _data = 0;

        // A record with data has a byte of it at least, so each byte speaks for one record.
        var idle = (int)Math.Max(0, records - data);
        MustYield = idle > 0 || _isDense;
        if (records == 0)
        {
            return;
        }

        if (idle > 0)
        {
            var isLong = RecordByRecord && _lastLength - overhead > Shortest;
            var elapsed = SinceLastTime();
            CountSinceSent(idle, isLong ? beyond : 0, elapsed);
            Turn = ShortTurn;
            Charge((isLong ? idle * CostOfLong : idle) + (RecordByRecord ? (int)Math.Min(took.TotalMilliseconds, int.MaxValue / 2) : 0), elapsed);
        }

        Suspect(records, hasOthers: idle > 0 || beyond >= Shortest);
    }

    /// <summary>Bytes for the protocol have come.</summary>
    /// <param name="ended">So many records end in them.</param>
    /// <param name="bytes">Which have so many bytes.</param>
    /// <param name="lastLength">And the last one of them so many.</param>
    public void Received(int ended, long bytes, int lastLength)
    {
        _records += ended;
        _bytes += bytes;
        _lastLength = lastLength;
        _isDense = ended > Dense;
        Turn = _isDense ? DenseTurn : int.MaxValue;
    }

    /// <summary>The protocol has worked at them for so long.</summary>
    public void Took(TimeSpan time) => _took += time;

    /// <summary>The protocol has given data.</summary>
    public void Rewarded(int bytes) => _data += bytes;

    /// <summary>Something was sent, and the engine's answers with it. From any thread.</summary>
    public void Sent() => _sent = true;

    private void Suspect(int records, bool hasOthers)
    {
        _seen = Math.Min(_seen + records, Opening + 1);
        _suspectsForGood |= hasOthers && _seen > Opening;
        _clean = hasOthers ? 0 : _clean + records;
        _suspects = hasOthers || _suspectsForGood || (_suspects && _clean < Clean);
    }

    private void CountSinceSent(int idle, long longBytes, TimeSpan elapsed)
    {
        if (_sent)
        {
            _sent = false;
            _idleSinceSent = 0;
            _longBytesSinceSent = 0;
        }

        _idleSinceSent = Math.Max(0, _idleSinceSent - (elapsed.TotalMinutes * ForgottenPerMinute)) + idle;
        _longBytesSinceSent += isWary ? longBytes : 0;
        if (_idleSinceSent > SinceSent)
        {
            throw new TlsException(TlsFailure.TooManyEmptyRecords, "the peer has sent more than 4096 records of TLS without data (and one more each minute), and nothing was sent to it meanwhile");
        }

        if (_longBytesSinceSent > LongBytesSinceSent)
        {
            throw new TlsException(TlsFailure.TooManyEmptyRecords, "the peer has sent more than 64 KiB of requests and tickets of TLS, and nothing was sent to it meanwhile");
        }
    }

    private void Charge(int cost, TimeSpan elapsed)
    {
        _left = Math.Min(Burst, _left + (elapsed.TotalSeconds * PerSecond)) - cost;
        if (_left < 0)
        {
            throw new TlsException(TlsFailure.TooManyEmptyRecords, "the peer sends records of TLS without data, one after the other; it may have 64, and 16 more each second (long ones, and what costs much time, count for several)");
        }
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
}
