using SocketKit.PassThrough;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.Tests.Transports;

/// <summary>The contract through a decorator that changes nothing.</summary>
public class PassThroughTransportTests : TransportContract
{
    private readonly InMemoryNetwork _network = new();

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => TestAuthority.ConnectAsync(
        new PassThroughListener(_network.Listen("server")),
        () => new PassThroughDialer(_network.Dial("server")));
}

/// <summary>The contract with the decorator above TLS, and below it.</summary>
public class PassThroughTlsTransportTests : TransportContract
{
    private readonly InMemoryNetwork _network = new();

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => TestAuthority.ConnectAsync(
        new PassThroughListener(Listen.Tls(new PassThroughListener(_network.Listen("server")), TestAuthority.Shared.ListenOptions())),
        () => new PassThroughDialer(Dial.Tls(new PassThroughDialer(_network.Dial("server")), TestAuthority.Shared.DialOptions())));
}
