using System.Diagnostics;
using System.Net;

namespace SocketKit;

/// <summary>
/// Where a server accepts connections from: one address of one kind of transport. Made by <see cref="Listen"/>; used by one server, once.
/// </summary>
/// <remarks>Made for you to derive from. A member that a minor version adds is virtual, with a default that suits your class.</remarks>
[DebuggerDisplay("{ToString(),nq}")]
public abstract class Listener : IAsyncDisposable
{
    /// <summary>Where it listens: as asked for before <see cref="BindAsync"/>, as bound (port 0 resolved) after it.</summary>
    public abstract EndPoint EndPoint { get; }

    /// <summary>What it asks of its connections. Default: <see cref="WireProtection.None"/>, nothing that is known.</summary>
    public virtual WireProtection Protection => WireProtection.None;

    /// <summary>The same for people, in the log line of a start. Default: the type's name.</summary>
    public virtual string ProtectionText => GetType().Name;

    /// <summary>When the first of the certificates that it serves with expires. Default: null, it has none.</summary>
    public virtual DateTimeOffset? CertificateExpires => null;

    /// <summary>Takes the address.</summary>
    /// <param name="services">The logger and the clock of the server that listens, and its deadline for a peer that takes nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ListenException">The address is in use or cannot be taken; it names the address.</exception>
    public abstract ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken);

    /// <summary>
    /// Waits for the next connection. One call at a time. A transport is returned before it is opened (<see cref="Transport.OpenAsync"/>),
    /// so a slow handshake is in nobody's way.
    /// </summary>
    /// <returns>The new connection's transport, or null after <see cref="StopAsync"/>.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">Accepting failed (descriptors exhausted, say); the caller backs off and calls
    /// again.</exception>
    public abstract ValueTask<Transport?> AcceptAsync();

    /// <summary>Gives the address back; an accept under way returns null. Connections live on. Idempotent.</summary>
    public abstract ValueTask StopAsync();

    /// <summary>The same as <see cref="StopAsync"/>, and releases the rest.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>
    /// The address for people and logs; the library's own listeners say it as a URL, such as <c>tcp://127.0.0.1:9000</c>. Default: the
    /// type's name and <see cref="EndPoint"/>.
    /// </summary>
    public override string? ToString() => $"{GetType().Name} on {LogText.NameOf(EndPoint)}";
}
