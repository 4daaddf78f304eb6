using System.Text;

namespace SocketKit;

/// <summary>
/// What belongs to a protocol: how messages are framed, encoded, handled, answered and kept alive, and how large and how many they may be.
/// Servers and clients set it on their own options, which derive from this. What belongs to the connection whatever is spoken on it
/// (opening, closing, slow peers) is in <see cref="ConnectionOptions"/>.
/// </summary>
/// <remarks>The library derives from it; programs cannot. A minor version may add members.</remarks>
public abstract class ProtocolOptions
{
    private protected ProtocolOptions()
    {
    }

    /// <summary>How messages are cut out of the stream. No default: it must be set, for example to <c>Framers.Lines()</c>.</summary>
    public IFramer? Framer { get; set; }

    /// <summary>
    /// Makes the handler of a new connection: called once per connection, so that an instance is a session. Called for several connections
    /// at once, and what it throws, or null, closes its connection as <see cref="CloseKind.HandlerFailed"/>. <see cref="Handlers"/> makes
    /// it out of functions and strategies. A server must set this or <see cref="SharedHandler"/>, and not both; a client without either
    /// reads <see cref="ISocketClient.Messages"/>. Default: none.
    /// </summary>
    public Func<IConnection, ConnectionHandler>? HandlerFactory { get; set; }

    /// <summary>
    /// One handler for all connections, so it must be thread-safe and has no state of a session. Instead of <see cref="HandlerFactory"/>.
    /// Default: none.
    /// </summary>
    public ConnectionHandler? SharedHandler { get; set; }

    /// <summary>
    /// Called once for each handler that <see cref="HandlerFactory"/> has made, behind its last call (as a rule
    /// <see cref="ConnectionHandler.OnClosedAsync"/>), to give back what was made for it: a scope of services, say. A stop waits for it as
    /// it does for the handler; what it throws is logged. Default: none.
    /// </summary>
    public Func<IConnection, ConnectionHandler, ValueTask>? ReleaseHandler { get; set; }

    /// <summary>The heartbeat policy. Default: <see cref="NoHeartbeat"/>; TCP keep-alive still finds a dead peer in 30 s.</summary>
    public IHeartbeatPolicy Heartbeat { get; set; } = NoHeartbeat.Instance;

    /// <summary>
    /// Says which request a received message answers: none (<see cref="ResponseMatch.None"/>: a push, or a request of the peer's), the
    /// oldest made without an id (<see cref="ResponseMatch.Oldest"/>), or the one with an id (<see cref="ResponseMatch.Id(long)"/>).
    /// Default: null; then any message answers the oldest request, as long as one waits, and no request may have an id. Called for every
    /// message that is no heartbeat, where its bytes are received, of several connections at once; what it throws closes its connection as
    /// <see cref="CloseKind.HandlerFailed"/>.
    /// </summary>
    public CorrelationIdReader? ReadCorrelationId { get; set; }

    /// <summary>
    /// How long a request waits for its response, unless <see cref="RequestOptions.Timeout"/> says otherwise. Default: 30 s. Range: above
    /// 0, up to 24.8 days, or <see cref="Timeout.InfiniteTimeSpan"/>: until the response comes, the connection ends, or the caller
    /// cancels. Kept to within 100 ms.
    /// </summary>
    /// <remarks>
    /// A handler that awaits a request on its own connection, without a time-out, waits for ever when the mailbox fills up meanwhile: then
    /// nothing is read, and the response never comes.
    /// </remarks>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How many requests may wait for a response on one connection. In order, one that was canceled or timed out counts until its response
    /// comes. Default: 1,024. At least 1.
    /// </summary>
    public int MaxPendingRequests { get; set; } = 1024;

    /// <summary>
    /// The longest frame that is taken from the peer, header and trailer included, in bytes; a longer one ends the connection as
    /// <see cref="CloseKind.FrameTooLarge"/>. Default: 1 MiB. Range: 1 to 1 GiB. What this side sends is bounded by the framer's own
    /// maximum and by what the peer takes.
    /// </summary>
    public int MaxFrameLength { get; set; } = 1024 * 1024;

    /// <summary>
    /// How many bytes may wait to be sent on one connection before it closes as <see cref="CloseKind.SlowConsumer"/>; one larger message
    /// is let in alone. Default: 4 MiB. At least 64 KiB.
    /// </summary>
    public int MaxQueuedBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// The encoding of text overloads. Default: UTF-8. Sent without byte order mark; one that the peer sends in front of its first message
    /// is skipped, and counted as discarded, where the framer looks for text (<see cref="Framers.Lines"/>,
    /// <see cref="Framers.Delimited(string)"/>, <see cref="Framers.Enclosed(string, string, int)"/>). A framer or heartbeat whose texts do
    /// not fit the encoding is refused at the start.
    /// </summary>
    public Encoding TextEncoding { get; set; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
}

/// <summary>Says which request a message answers; see <see cref="ProtocolOptions.ReadCorrelationId"/>. Must be thread-safe.</summary>
/// <param name="message">The payload; valid until this returns.</param>
/// <returns>The request that it answers, or <see cref="ResponseMatch.None"/>.</returns>
public delegate ResponseMatch CorrelationIdReader(ReadOnlySpan<byte> message);
