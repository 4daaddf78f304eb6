using System.Diagnostics;

namespace SocketKit;

/// <summary>
/// Why a connection ended: the first cause of death, set once. Immutable and thread-safe; equal when all properties are. For tests, an
/// object initializer makes one: <c>new CloseReason { Kind = CloseKind.PeerClosed, By = CloseParty.Peer }</c>.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed record CloseReason
{
    /// <summary>Makes one in which nothing is said yet: an object initializer says it.</summary>
    public CloseReason()
    {
    }

    /// <summary>The short form for this library. It is not public: a constructor with these parameters could never get another.</summary>
    internal CloseReason(CloseKind kind, ClosePhase phase, CloseParty by, string? detail, Exception? exception)
    {
        Kind = kind;
        Phase = phase;
        By = by;
        Detail = detail;
        Exception = exception;
    }

    /// <summary>What happened. Default: <see cref="CloseKind.None"/>, which ends no connection.</summary>
    public CloseKind Kind { get; init; }

    /// <summary>In which phase of the connection's life. Default: <see cref="ClosePhase.None"/>.</summary>
    public ClosePhase Phase { get; init; }

    /// <summary>Who caused it. Default: <see cref="CloseParty.None"/>.</summary>
    public CloseParty By { get; init; }

    /// <summary>
    /// More for people. As it was given to <see cref="IConnection.CloseAsync"/> or <see cref="IConnection.Abort"/>, so it may hold text of
    /// the peer's; <see cref="ToString"/> escapes it. Default: null.
    /// </summary>
    public string? Detail { get; init; }

    /// <summary>What was thrown. Default: null.</summary>
    public Exception? Exception { get; init; }

    /// <summary>Messages received but not given to the handler any more.</summary>
    public int DiscardedMessages { get; init; }

    /// <summary>Bytes accepted by a send but not handed to the wire.</summary>
    public long UnsentBytes { get; init; }

    /// <summary>
    /// For people and logs: <c>Truncated by Peer while Open: 1 byte without a line end</c>. Control characters of the detail are escaped,
    /// and a detail of more than 500 characters is cut.
    /// </summary>
    public override string ToString()
    {
        var text = $"{Kind} by {By} while {Phase}";
        if (Detail is not null)
        {
            text += ": " + LogText.EscapeRest(Detail);
        }
        else if (Exception is not null)
        {
            text += ": " + LogText.EscapeRest(ExceptionText.MessageOf(Exception));
        }

        if (DiscardedMessages > 0)
        {
            text += $" ({DiscardedMessages} received messages discarded)";
        }

        return UnsentBytes > 0 ? text + $" ({UnsentBytes} bytes unsent)" : text;
    }
}

/// <summary>
/// What ended a connection. The same list in the API, in logs and in metrics. A minor version may add to it; what there is keeps its
/// meaning and its number.
/// </summary>
public enum CloseKind
{
    /// <summary>
    /// Nothing is said: the value of a <see cref="CloseReason"/> that was made without a kind. No connection ends with it.
    /// </summary>
    None = 0,

    /// <summary>The peer finished, between two messages.</summary>
    PeerClosed = 1,

    /// <summary>
    /// The peer finished in the middle of a message, or, with TLS, without saying that it finishes (close_notify): something on the way may
    /// have cut the stream off.
    /// </summary>
    Truncated = 2,

    /// <summary>The peer, or something on the way, reset the connection.</summary>
    PeerReset = 3,

    /// <summary>The wire failed in another way (the kernel found the peer dead, say).</summary>
    TransportFailed = 4,

    /// <summary>This side called <see cref="IConnection.CloseAsync"/>, or disconnected the client.</summary>
    LocalClosed = 5,

    /// <summary>This side called <see cref="IConnection.Abort"/>.</summary>
    Aborted = 6,

    /// <summary>The server stopped.</summary>
    ServerStopping = 7,

    /// <summary>The heartbeat policy found the peer dead.</summary>
    HeartbeatTimeout = 8,

    /// <summary>The peer's bytes break the protocol, or nothing but discarded bytes came.</summary>
    ProtocolError = 9,

    /// <summary>A frame of the peer is longer than <see cref="ProtocolOptions.MaxFrameLength"/>.</summary>
    FrameTooLarge = 10,

    /// <summary>The framer threw something unexpected or broke its contract.</summary>
    FramerFailed = 11,

    /// <summary>The peer does not take what is sent to it.</summary>
    SlowConsumer = 12,

    /// <summary>A response never came, so that later ones could not be told apart any more.</summary>
    ResponseLost = 13,

    /// <summary>
    /// Code of the application's threw: the handler or what makes it, the connect hook, the heartbeat policy, the correlation reader.
    /// </summary>
    HandlerFailed = 14,

    /// <summary>
    /// The wire could not be opened: a handshake failed, or opening, the connect hook included, took longer than
    /// <see cref="ConnectionOptions.OpenTimeout"/>.
    /// </summary>
    OpenFailed = 15,

    /// <summary>The server has <see cref="SocketServerOptions.MaxConnections"/> already.</summary>
    TooManyConnections = 16,

    /// <summary>Dialling failed: refused, unreachable, name not found.</summary>
    ConnectFailed = 17,

    /// <summary>Dialling took longer than <see cref="SocketClientOptions.ConnectTimeout"/>.</summary>
    ConnectTimeout = 18,

    /// <summary>The connect hook refused to go on for good (<see cref="RejectedException"/>): reconnecting ends.</summary>
    Rejected = 19,
}

/// <summary>The phase of a connection's life.</summary>
public enum ClosePhase
{
    /// <summary>Nothing is said. No connection ends with it.</summary>
    None = 0,

    /// <summary>Dialling.</summary>
    Connecting = 1,

    /// <summary>Handshakes of the wire, and a client's connect hook.</summary>
    Opening = 2,

    /// <summary>Messages flow.</summary>
    Open = 3,

    /// <summary>The server is stopping and lets this connection finish.</summary>
    Draining = 4,
}

/// <summary>Who ended a connection.</summary>
public enum CloseParty
{
    /// <summary>Nobody is named. No connection ends with it.</summary>
    None = 0,

    /// <summary>This side.</summary>
    Local = 1,

    /// <summary>The other side.</summary>
    Peer = 2,

    /// <summary>Something between.</summary>
    Network = 3,
}
