using System.Diagnostics;
using SocketKit.Diagnostics;

namespace SocketKit;

/// <summary>Why a connection ended: the first cause of death, set once.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Phase">In which phase of the connection's life.</param>
/// <param name="By">Who caused it.</param>
/// <param name="Detail">
/// More for people, or null. As it was given to <see cref="IConnection.CloseAsync"/> or <see cref="IConnection.Abort"/>, so it may hold
/// text of the peer's; <see cref="ToString"/> escapes it.
/// </param>
/// <param name="Exception">What was thrown, or null.</param>
[DebuggerDisplay("{ToString(),nq}")]
public sealed record CloseReason(CloseKind Kind, ClosePhase Phase, CloseParty By, string? Detail, Exception? Exception)
{
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

/// <summary>What ended a connection. The same list in the API, in logs and in metrics. A minor version may add to it; what there is keeps its meaning.</summary>
public enum CloseKind
{
    /// <summary>The peer finished, between two messages.</summary>
    PeerClosed,

    /// <summary>The peer finished in the middle of a message, or, with TLS, without saying that it finishes (close_notify): something on the way may have cut the stream off.</summary>
    Truncated,

    /// <summary>The peer, or something on the way, reset the connection.</summary>
    PeerReset,

    /// <summary>The wire failed in another way (the kernel found the peer dead, say).</summary>
    TransportFailed,

    /// <summary>This side called <see cref="IConnection.CloseAsync"/>, or disconnected the client.</summary>
    LocalClosed,

    /// <summary>This side called <see cref="IConnection.Abort"/>.</summary>
    Aborted,

    /// <summary>The server stopped.</summary>
    ServerStopping,

    /// <summary>The heartbeat policy found the peer dead.</summary>
    HeartbeatTimeout,

    /// <summary>The peer's bytes break the protocol, or nothing but discarded bytes came.</summary>
    ProtocolError,

    /// <summary>A frame of the peer is longer than <see cref="ConnectionOptions.MaxFrameLength"/>.</summary>
    FrameTooLarge,

    /// <summary>The framer threw something unexpected or broke its contract.</summary>
    FramerFailed,

    /// <summary>The peer does not take what is sent to it.</summary>
    SlowConsumer,

    /// <summary>A response never came, so that later ones could not be told apart any more.</summary>
    ResponseLost,

    /// <summary>Code of the application's threw: the handler or what makes it, the connect hook, the heartbeat policy, the correlation reader.</summary>
    HandlerFailed,

    /// <summary>The wire could not be opened: a handshake failed, or opening, the connect hook included, took longer than <see cref="ConnectionOptions.OpenTimeout"/>.</summary>
    OpenFailed,

    /// <summary>The server has <see cref="SocketServerOptions.MaxConnections"/> already.</summary>
    TooManyConnections,

    /// <summary>Dialling failed: refused, unreachable, name not found.</summary>
    ConnectFailed,

    /// <summary>Dialling took longer than <see cref="SocketClientOptions.ConnectTimeout"/>.</summary>
    ConnectTimeout,

    /// <summary>The connect hook refused to go on for good (<see cref="RejectedException"/>): reconnecting ends.</summary>
    Rejected,
}

/// <summary>The phase of a connection's life.</summary>
public enum ClosePhase
{
    /// <summary>Dialling.</summary>
    Connecting,

    /// <summary>Handshakes of the wire, and a client's connect hook.</summary>
    Opening,

    /// <summary>Messages flow.</summary>
    Open,

    /// <summary>The server is stopping and lets this connection finish.</summary>
    Draining,
}

/// <summary>Who ended a connection.</summary>
public enum CloseParty
{
    /// <summary>This side.</summary>
    Local,

    /// <summary>The other side.</summary>
    Peer,

    /// <summary>Something between.</summary>
    Network,
}
