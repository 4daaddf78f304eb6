namespace SocketKit.Transports.InMemory;

/// <summary>Dials on an <see cref="InMemoryNetwork"/>: done, or refused, at once, unless the address is a black hole.</summary>
internal sealed class InMemoryDialer(InMemoryNetwork network, InMemoryEndPoint endPoint) : Dialer
{
    public override WireProtection Protection => WireProtection.Confidential;

    public override ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken) =>
        network.ConnectAsync(endPoint, leavesPump: false, cancellationToken);

    public override string ToString() => endPoint.ToString();
}
