using System.Net;

namespace SocketKit;

/// <summary>
/// A base for decorators of a listener: it forwards everything to an inner one. Override <see cref="AcceptAsync"/> to put a
/// <see cref="DelegatingTransport"/> around what is accepted.
/// </summary>
/// <remarks>
/// Threads and order of calls are those of <see cref="Listener"/>. Used by one server, once, like the inner one. Made for you to derive
/// from. A member that a minor version adds to <see cref="Listener"/> is forwarded here.
/// </remarks>
public abstract class DelegatingListener : Listener
{
    /// <summary>Makes one over another.</summary>
    /// <param name="inner">The listener that it forwards to, and owns from now on.</param>
    protected DelegatingListener(Listener inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
    }

    /// <summary>The listener that everything is forwarded to.</summary>
    protected Listener Inner { get; }

    /// <inheritdoc/>
    public override EndPoint EndPoint => Inner.EndPoint;

    /// <inheritdoc/>
    public override WireProtection Protection => Inner.Protection;

    /// <inheritdoc/>
    public override string ProtectionText => Inner.ProtectionText;

    /// <inheritdoc/>
    public override DateTimeOffset? CertificateExpires => Inner.CertificateExpires;

    /// <inheritdoc/>
    public override ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken) => Inner.BindAsync(services, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<Transport?> AcceptAsync() => Inner.AcceptAsync();

    /// <inheritdoc/>
    public override ValueTask StopAsync() => Inner.StopAsync();

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Inner.DisposeAsync();
    }

    /// <inheritdoc/>
    public override string? ToString() => Inner.ToString();
}
