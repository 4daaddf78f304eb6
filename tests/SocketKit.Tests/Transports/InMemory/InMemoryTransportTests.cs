namespace SocketKit.Tests.Transports.InMemory;

/// <summary>The contract over dialled connections, whose awaits may go on on the network's thread.</summary>
public class InMemoryTransportTests : TransportContract
{
    private readonly InMemoryNetwork _network = new();

    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = _network.Listen("server");
        await listener.BindAsync(new(), CancellationToken.None);
        var accept = listener.AcceptAsync().AsTask();
        var left = await _network.Dial("server").DialAsync(new(), CancellationToken.None);
        var right = await accept.WaitAsync(Patience);
        await listener.StopAsync();
        return (left, right!);
    }
}
