using Microsoft.Extensions.Logging;

namespace SocketKit.Transports.Tls;

/// <summary>A dialer whose connections speak TLS. Dialling is the inner dialer's affair: the handshake is the connection's.</summary>
internal sealed class TlsDialer(Dialer inner, TlsClientSide side) : Dialer
{
    internal override void UseSlowConsumerTimeout(TimeSpan timeout) => inner.UseSlowConsumerTimeout(timeout);

    internal override void UseServices(ILogger logger, TimeProvider timeProvider)
    {
        side.UseServices(logger, timeProvider);
        inner.UseServices(logger, timeProvider);
    }

    public override WireProtection Protection => side.Protection;

    public override async ValueTask<Transport> DialAsync(TimeProvider timeProvider, CancellationToken cancellationToken) =>
        new TlsTransport(await inner.DialAsync(timeProvider, cancellationToken).ConfigureAwait(false), side);

    public override string ToString() => Address(inner.ToString());

    /// <summary><c>tls://host:port</c> over TCP, <c>tls+memory://name</c> and its like over other wires.</summary>
    internal static string Address(string? inner) =>
        inner is not null && inner.StartsWith("tcp://", StringComparison.Ordinal) ? string.Concat("tls", inner.AsSpan(3)) : "tls+" + inner;
}
