namespace SocketKit.Tests.Transports.InMemory;

/// <summary>The contract over raw connections, whose awaits leave the network's thread, on a network that holds little.</summary>
public class RawInMemoryTransportTests : TransportContract
{
    private readonly InMemoryNetwork _network = new(capacity: 1000);

    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = _network.Listen("server");
        await listener.BindAsync(new(), CancellationToken.None);
        var accept = listener.AcceptAsync().AsTask();
        var left = await _network.ConnectAsync("server");
        var right = await accept.WaitAsync(Patience);
        await listener.StopAsync();
        return (left, right!);
    }
}
