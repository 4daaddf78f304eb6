namespace SocketKit.Transports.Tls;

/// <summary>A dialer whose connections speak TLS. Dialling is the inner dialer's affair: the handshake is the connection's.</summary>
internal sealed class TlsDialer(Dialer inner, TlsClientSide side) : DelegatingDialer(inner)
{
    public override WireProtection Protection => side.Protection;

    public override async ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken) =>
        new TlsTransport(await Inner.DialAsync(services, cancellationToken).ConfigureAwait(false), side, services);

    public override string ToString() => Address(Inner.ToString());

    /// <summary><c>tls://host:port</c> over TCP, <c>tls+memory://name</c> and its like over other wires.</summary>
    internal static string Address(string? inner) =>
        inner is not null && inner.StartsWith("tcp://", StringComparison.Ordinal) ? string.Concat("tls", inner.AsSpan(3)) : "tls+" + inner;
}
