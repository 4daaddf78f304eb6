namespace SocketKit.PassThrough;

/// <summary>Puts a decorator that changes nothing around each connection that it dials.</summary>
/// <param name="inner">The dialer that dials.</param>
public sealed class PassThroughDialer(Dialer inner) : DelegatingDialer(inner)
{
    public override async ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken) =>
        new PassThroughTransport(await base.DialAsync(services, cancellationToken).ConfigureAwait(false));
}
