using Microsoft.Extensions.Logging;

namespace SocketKit;

/// <summary>
/// What servers and clients set alike: the protocol (<see cref="ProtocolOptions"/>), the deadlines of connections, and the clock and the
/// logs. Copied and checked once, at start; changing it later has no effect.
/// </summary>
/// <remarks>The library derives from it; programs cannot. A minor version may add members.</remarks>
public abstract class ConnectionOptions : ProtocolOptions
{
    private protected ConnectionOptions()
    {
    }

    /// <summary>
    /// Tells servers and clients apart in metrics and traces, as the attribute <c>socketkit.name</c>: <c>gateway</c>, say. For a few
    /// values that are known beforehand, not one for each peer. Default: null, no such attribute. Up to 100 characters.
    /// </summary>
    public string? Name { get; set; }

    /// <summary>
    /// How long the peer may take no byte while bytes wait for it, before the connection closes as <see cref="CloseKind.SlowConsumer"/>. A
    /// peer that takes some, but under 240 bytes a second over such a time, is closed as well, from the second of these times on. Default:
    /// 10 s. Range: above 0, up to 24.8 days. Not <see cref="Timeout.InfiniteTimeSpan"/>: such a peer would keep what waits for it in
    /// memory for ever.
    /// </summary>
    public TimeSpan SlowConsumerTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long opening may take in all: handshakes of the wire and a client's connect hook. Default: 10 s. Range: above 0, up to 24.8
    /// days. Not <see cref="Timeout.InfiniteTimeSpan"/>: a peer that never ends its handshake would keep its place, or a client's attempt,
    /// for ever.
    /// </summary>
    public TimeSpan OpenTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a graceful close waits for the peer to take the rest and to finish. Default: 1 s. Range: above 0, up to 24.8 days.
    /// Not <see cref="Timeout.InfiniteTimeSpan"/>: a peer that never finishes would keep a closed connection for ever.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a connection may stand still after its peer has finished sending: the peer takes no byte and no call of the handler
    /// begins. Then it closes as <see cref="CloseKind.PeerClosed"/>, also under a handler that waits. While bytes wait for the peer,
    /// <see cref="SlowConsumerTimeout"/> holds instead. Default: 30 s. Range: above 0, up to 24.8 days, or
    /// <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </summary>
    public TimeSpan HalfCloseTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock. Default: the system's monotonic one. Tests give a fake.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where logs go. Default: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>What tells one object of options from another, for people.</summary>
    private protected string Describe(string type, string where) =>
        $"{SocketKitText.Named(type, Name)}: {where}; "
        + $"{(Framer is null ? "no framer" : LogText.NameOf(Framer))}; {LogText.NameOf(Heartbeat)}";
}
