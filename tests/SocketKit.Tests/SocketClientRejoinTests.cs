namespace SocketKit.Tests;

public class SocketClientRejoinTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task ConnectAsync_waits_for_the_next_connection_as_soon_as_the_last_one_is_released()
    {
        var network = new InMemoryNetwork();
        var retries = new HeldRetries();
        await using var server = new SocketServer(new SocketServerOptions { Listeners = { network.Listen("server") }, Framer = Framers.Lines(), Handler = Handler.OnText((_, _) => default) });
        await server.StartAsync();
        await using var client = new SocketClient(new SocketClientOptions { Dialer = network.Dial("server"), Framer = Framers.Lines(), Reconnect = retries });
        await client.ConnectAsync().WaitAsync(Patience);
        IConnection first = client.Connection!;

        network.Reset(server.EndPoints[0]);
        await first.Closed.WaitAsync(Patience);

        // The policy still thinks, so nothing but the release has happened.
        Task next = client.ConnectAsync();
        client.Connection.Should().BeNull();
        next.IsCompleted.Should().BeFalse();
        retries.Allow.SetResult();
        await next.WaitAsync(Patience);
        client.Connection.Should().NotBeNull().And.NotBeSameAs(first);
    }

    private sealed class HeldRetries : IReconnectPolicy
    {
        public TaskCompletionSource Allow { get; } = new();

        public TimeSpan? NextDelay(int attempt, CloseReason reason)
        {
            Allow.Task.Wait(Patience).Should().BeTrue();
            return TimeSpan.Zero;
        }
    }
}
