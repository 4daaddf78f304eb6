namespace SocketKit;

/// <summary>
/// A base for decorators of a dialer: it forwards everything to an inner one. Override <see cref="DialAsync"/> to put a
/// <see cref="DelegatingTransport"/> around what was dialed.
/// </summary>
/// <remarks>
/// Thread-safe if the inner one is: a dialer may be shared by several clients. Made for you to derive from. A member that a minor
/// version adds to <see cref="Dialer"/> is forwarded here.
/// </remarks>
public abstract class DelegatingDialer : Dialer
{
    /// <summary>Makes one over another.</summary>
    /// <param name="inner">The dialer that it forwards to.</param>
    protected DelegatingDialer(Dialer inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
    }

    /// <summary>The dialer that everything is forwarded to.</summary>
    protected Dialer Inner { get; }

    /// <inheritdoc/>
    public override WireProtection Protection => Inner.Protection;

    /// <inheritdoc/>
    public override ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken) => Inner.DialAsync(services, cancellationToken);

    /// <inheritdoc/>
    public override string ToString() => Inner.ToString();
}
