using SocketKit.Tests.Transports;

namespace SocketKit.IntegrationTests.Transports.Epoll;

public class EpollUnixTransportCostTests : TransportCostContract
{
    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => UnixPair.ConnectAsync();
}
