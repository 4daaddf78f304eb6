namespace SocketKit;

/// <summary>
/// What has passed over a connection and how it stands: a snapshot, see <see cref="IConnection.Statistics"/>. Counts only grow. What is
/// counted is added once per batch, so inside of a handler the messages of the batch under way may be missing.
/// </summary>
public readonly record struct ConnectionStatistics
{
    /// <summary>
    /// When the connection was open, that is before <see cref="ConnectionHandler.OnConnectedAsync"/>, by
    /// <see cref="ConnectionOptions.TimeProvider"/>. Null: it is not open yet, or never was.
    /// </summary>
    public DateTimeOffset? OpenedAt { get; init; }

    /// <summary>
    /// Time since any byte last came from the peer, to within 0.2 s, since a clock that ticks every 100 ms takes note. Null: never.
    /// </summary>
    public TimeSpan? SinceReceived { get; init; }

    /// <summary>Time since the transport last took bytes for the peer, to within 0.2 s. Null: never.</summary>
    public TimeSpan? SinceSent { get; init; }

    /// <summary>Bytes that were received, framing included; with TLS those inside of it.</summary>
    public long BytesReceived { get; init; }

    /// <summary>
    /// Bytes that the transport has taken (<see cref="Transport.BytesSent"/>), framing included; with TLS those inside of it.
    /// </summary>
    public long BytesSent { get; init; }

    /// <summary>Messages that the framer found, heartbeats and responses included.</summary>
    public long MessagesReceived { get; init; }

    /// <summary>Messages that the transport has taken, heartbeats and requests included.</summary>
    public long MessagesSent { get; init; }

    /// <summary>Bytes that the framer found to belong to no message; part of <see cref="BytesReceived"/>.</summary>
    public long BytesDiscarded { get; init; }

    /// <summary>Bytes that were accepted by a send and that the transport has not taken yet.</summary>
    public long QueuedBytes { get; init; }

    /// <summary>The last round trip that a heartbeat measured. Null: none was.</summary>
    public TimeSpan? LastRoundTrip { get; init; }
}
