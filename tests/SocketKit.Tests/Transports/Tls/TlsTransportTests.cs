using System.Security.Authentication;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>The contract over TLS 1.3 in memory.</summary>
public class TlsTransportTests : TransportContract
{
    private readonly InMemoryNetwork _network = new();

    protected virtual SslProtocols Version => SslProtocols.Tls13;

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => TestAuthority.ConnectAsync(
        Listen.Tls(_network.Listen("server"), TestAuthority.Shared.ListenOptions(options => options.Protocols = Version)),
        () => Dial.Tls(_network.Dial("server"), TestAuthority.Shared.DialOptions()));
}

/// <summary>The contract over TLS 1.2 in memory.</summary>
public class Tls12TransportTests : TlsTransportTests
{
    protected override SslProtocols Version => SslProtocols.Tls12;
}

/// <summary>The contract over TLS on a network that holds little, so that records come in pieces.</summary>
public class TlsOverLittleTransportTests : TransportContract
{
    private readonly InMemoryNetwork _network = new(capacity: 1200);

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => TestAuthority.ConnectAsync(
        Listen.Tls(_network.Listen("server"), TestAuthority.Shared.ListenOptions()),
        () => Dial.Tls(_network.Dial("server"), TestAuthority.Shared.DialOptions()));
}

public class TlsTransportCostTests : TransportCostContract
{
#if DEBUG
    protected override double MostPerRoundTrip => 1000;

#endif
    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var network = new InMemoryNetwork();
        var (left, right) = await TestAuthority.ConnectAsync(
            Listen.Tls(network.Listen("server"), TestAuthority.Shared.ListenOptions()),
            () => Dial.Tls(network.Dial("server"), TestAuthority.Shared.DialOptions()));
        await TestAuthority.OpenAsync(left, right);
        return (left, right);
    }
}
