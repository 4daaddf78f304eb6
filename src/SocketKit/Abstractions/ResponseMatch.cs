namespace SocketKit;

/// <summary>
/// What a received message answers: no request (<see cref="None"/>, the default), the oldest request made without an id
/// (<see cref="Oldest"/>), or the request with a certain id (<see cref="Id(long)"/>). See <see
/// cref="ProtocolOptions.ReadCorrelationId"/>. Immutable and thread-safe; a value, compared by content.
/// </summary>
/// <remarks>There may be ids of more kinds in a later version, bytes and text, say. So this tells nothing of what it holds, but for
/// equality.</remarks>
public readonly struct ResponseMatch : IEquatable<ResponseMatch>
{
    private readonly MatchKind _kind;
    private readonly long _id;

    private ResponseMatch(MatchKind kind, long id = 0)
    {
        _kind = kind;
        _id = id;
    }

    private enum MatchKind : byte
    {
        None,
        Oldest,
        Number,
    }

    /// <summary>The message answers no request: it is a push, or a request of the peer's. The default value.</summary>
    public static ResponseMatch None => default;

    /// <summary>
    /// The message answers the oldest request made without an id. If none waits, the message is a late response: it is counted and dropped.
    /// </summary>
    public static ResponseMatch Oldest => new(MatchKind.Oldest);

    /// <summary>Is it a response at all?</summary>
    internal bool IsResponse => _kind != MatchKind.None;

    /// <summary>The id, or null: the oldest request without one.</summary>
    internal long? Number => _kind == MatchKind.Number ? _id : null;

    /// <summary>
    /// The message answers the request whose <see cref="RequestOptions.CorrelationId"/> is this. If none waits, the message is a late
    /// response: it is counted and dropped.
    /// </summary>
    /// <param name="id">The id. Any number is one, zero and negative numbers too.</param>
    public static ResponseMatch Id(long id) => new(MatchKind.Number, id);

    /// <inheritdoc/>
    public bool Equals(ResponseMatch other) => _kind == other._kind && _id == other._id;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ResponseMatch other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_kind, _id);

    /// <summary>Compares by content.</summary>
    public static bool operator ==(ResponseMatch left, ResponseMatch right) => left.Equals(right);

    /// <summary>Compares by content.</summary>
    public static bool operator !=(ResponseMatch left, ResponseMatch right) => !left.Equals(right);

    /// <summary>For people: <c>None</c>, <c>Oldest</c> or <c>Id 7</c>.</summary>
    public override string ToString() =>
        _kind == MatchKind.Number ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Id {_id}") : _kind.ToString();
}
