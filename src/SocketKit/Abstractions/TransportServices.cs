using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace SocketKit;

/// <summary>
/// What a server or client gives to the listener that it binds and to the dialer that it dials with. Immutable and thread-safe; a
/// dialer that several clients share gets each client's own at each dial.
/// </summary>
public sealed class TransportServices
{
    /// <summary>Where to log. It never throws. Default: nowhere.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>The clock for every wait and time-out. Default: <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// After how long the connection itself closes a peer that takes nothing (<see cref="ConnectionOptions.SlowConsumerTimeout"/>). No
    /// time-out of the transport's own may be shorter. Default: 10 s.
    /// </summary>
    public TimeSpan SlowConsumerTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
