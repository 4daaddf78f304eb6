using System.Net;
using SocketKit.Tests.Transports;

namespace SocketKit.IntegrationTests.Transports.Sockets;

public class SocketTransportCostTests : TransportCostContract
{
    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        await using var listener = Listen.Tcp("127.0.0.1", 0);
        await listener.BindAsync(CancellationToken.None);
        var left = await Dial.Tcp((IPEndPoint)listener.EndPoint).DialAsync(TimeProvider.System, CancellationToken.None);
        return (left, (await listener.AcceptAsync())!);
    }
}
