using Microsoft.Extensions.Logging;

namespace SocketKit;

/// <summary>How a client reaches its server: one address of one kind of wire. Made by <see cref="Dial"/>; thread-safe, reusable for every redial.</summary>
public abstract class Dialer
{
    /// <summary>Tells the deadline for a peer that does not read, before the first dial: no time-out of the wire's own may be shorter. Default: ignored.</summary>
    internal virtual void UseSlowConsumerTimeout(TimeSpan timeout)
    {
    }

    /// <summary>Tells where logs go and what the clock is, before the first dial. Default: ignored.</summary>
    internal virtual void UseServices(ILogger logger, TimeProvider timeProvider)
    {
    }

    /// <summary>What it asks of its connections. Default: <see cref="WireProtection.None"/>, nothing that is known.</summary>
    public virtual WireProtection Protection => WireProtection.None;

    /// <summary>Dials once. Names are resolved anew at each call.</summary>
    /// <param name="timeProvider">The clock for delays between addresses.</param>
    /// <param name="cancellationToken">Cancelled at the connect time-out.</param>
    /// <returns>The wire, before <see cref="Transport.OpenAsync"/>.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">No address answered; the last one's error.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public abstract ValueTask<Transport> DialAsync(TimeProvider timeProvider, CancellationToken cancellationToken);

    /// <summary>The address for people and logs, such as <c>tcp://127.0.0.1:9000</c>.</summary>
    public abstract override string ToString();
}
