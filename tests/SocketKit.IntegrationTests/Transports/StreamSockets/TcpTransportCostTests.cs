using System.Net;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

public class TcpTransportCostTests : TransportCostContract
{
    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new(), CancellationToken.None);
        var left = await TestEngine.Dial((IPEndPoint)listener.EndPoint).DialAsync(new(), CancellationToken.None);
        return (left, (await listener.AcceptAsync())!);
    }
}
