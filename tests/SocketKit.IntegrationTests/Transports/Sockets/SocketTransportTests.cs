using SocketKit.Tests.Transports;

namespace SocketKit.IntegrationTests.Transports.Sockets;

/// <summary>The contract over TCP on loopback.</summary>
public class SocketTransportTests : TransportContract
{
    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = Listen.Tcp("127.0.0.1", 0);
        await listener.BindAsync(CancellationToken.None);
        var accept = listener.AcceptAsync().AsTask();
        var left = await Dial.Tcp((System.Net.IPEndPoint)listener.EndPoint).DialAsync(TimeProvider.System, CancellationToken.None);
        var right = await accept.WaitAsync(Patience);
        await listener.DisposeAsync();
        return (left, right!);
    }
}
