namespace SocketKit.Tests.Transports.InMemory;

public class InMemoryTransportCostTests : TransportCostContract
{
    private readonly InMemoryNetwork _network = new();

    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        await using var listener = _network.Listen("server");
        await listener.BindAsync(new(), CancellationToken.None);
        var left = await _network.Dial("server").DialAsync(new(), CancellationToken.None);
        return (left, (await listener.AcceptAsync())!);
    }
}
