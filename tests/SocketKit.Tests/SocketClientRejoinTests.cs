using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

public class SocketClientRejoinTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task ConnectAsync_waits_for_the_next_connection_as_soon_as_the_last_one_is_released()
    {
        var network = new InMemoryNetwork();
        var probe = new Probe();
        await using var server = new SocketServer(new SocketServerOptions { Listeners = { network.Listen("server") }, Framer = Framers.Lines(), HandlerFactory = Handlers.OnText((_, _) => default) });
        await server.StartAsync();
        await using var client = new SocketClient(new SocketClientOptions { Dialer = new OnTheNetwork(network, network.Dial("server")), Framer = Framers.Lines(), Reconnect = probe });
        await client.ConnectAsync().WaitAsync(Patience);
        IConnection first = client.Connection!;
        Task? next = null;
        var waits = false;
        probe.OnAsked = () =>
        {
            // Nothing but the release has happened.
            next = client.ConnectAsync();
            waits = client.Connection is null && !next.IsCompleted;
        };

        network.Reset(server.EndPoints[0]);
        await first.Closed.WaitAsync(Patience);
        network.Settle();

        waits.Should().BeTrue();
        await next!.WaitAsync(Patience);
        client.Connection.Should().NotBeNull().And.NotBeSameAs(first);
    }

    private sealed class Probe : IReconnectPolicy
    {
        public Action OnAsked { get; set; } = () => { };

        public TimeSpan? NextDelay(int attempt, CloseReason reason)
        {
            OnAsked();
            return TimeSpan.Zero;
        }
    }
}
