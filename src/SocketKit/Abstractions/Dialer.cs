using System.Diagnostics;

namespace SocketKit;

/// <summary>
/// How a client reaches its server: one address of one kind of transport. Made by <see cref="Dial"/>; thread-safe, reusable for every
/// redial, and by several clients.
/// </summary>
/// <remarks>Made for you to derive from. A member that a minor version adds is virtual, with a default that suits your class.</remarks>
[DebuggerDisplay("{ToString(),nq}")]
public abstract class Dialer
{
    /// <summary>What it asks of its connections. Default: <see cref="WireProtection.None"/>, nothing that is known.</summary>
    public virtual WireProtection Protection => WireProtection.None;

    /// <summary>Dials once. Names are resolved anew at each call.</summary>
    /// <param name="services">The logger and the clock of the client that dials, and its deadline for a peer that takes nothing.</param>
    /// <param name="cancellationToken">Canceled at the connect time-out.</param>
    /// <returns>The transport, before <see cref="Transport.OpenAsync"/>.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">No address answered; the last one's error.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public abstract ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken);

    /// <summary>The address for people and logs, such as <c>tcp://127.0.0.1:9000</c>.</summary>
    public abstract override string ToString();
}
