using System.Diagnostics;
using System.Threading.Channels;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests;

/// <summary>A client whose server goes away and comes back.</summary>
public class ReconnectTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_finds_its_restarted_server_by_itself_and_says_what_happens(bool abrupt)
    {
        var changes = Channel.CreateUnbounded<ClientStateChange>();
        var hooks = 0;
        var server = await TestServer.StartAsync(configure: options => options.CloseTimeout = TestServer.Patience);
        var address = server.EndPoint;
        await using var client = new SocketClient(new SocketClientOptions
        {
            Dialer = TestEngine.Dial(address),
            Framer = Framers.Lines(),
            Reconnect = new BackoffReconnect(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200)),
            OnOpening = async (connection, cancellationToken) =>
            {
                hooks++;
                using var answer = await connection.RequestAsync("log in", cancellationToken: cancellationToken);
            },
        });
        client.StateChanged += (_, change) => changes.Writer.TryWrite(change);
        await client.ConnectAsync().WaitAsync(TestServer.Patience);
        await AskAsync(client, "before");
        (await NextAsync(changes)).To.Should().Be(ClientState.Connecting);
        (await NextAsync(changes)).To.Should().Be(ClientState.Connected);

        if (abrupt)
        {
            (await server.OpenedAsync()).Connection.Abort();
        }

        await server.Server.StopAsync().WaitAsync(TestServer.Patience);
        var lost = await NextAsync(changes);
        lost.From.Should().Be(ClientState.Connected);
        lost.To.Should().Be(ClientState.Waiting);
        lost.Reason!.Kind.Should().Be(abrupt && TestWire.HasResets ? CloseKind.PeerReset : CloseKind.PeerClosed);
        lost.RetryIn.Should().BeLessThanOrEqualTo(TimeSpan.FromMilliseconds(200));

        // At least one attempt finds nobody; after an abort, one before it may still meet the server, which stops only then.
        ClientStateChange failed;
        do
        {
            failed = await NextAsync(changes);
        }
        while (failed.To != ClientState.Waiting || (abrupt && failed.Reason!.Kind != CloseKind.ConnectFailed));
        failed.Reason!.Kind.Should().Be(CloseKind.ConnectFailed);
        var met = hooks;
        var send = async () => await client.SendAsync("nobody there");
        (await send.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.ConnectFailed);

        var watch = Stopwatch.StartNew();
        await using var restarted = await TestServer.StartAsync(configure: options =>
        {
            options.Listeners.Clear();
            options.Listeners.Add(TestWire.ListenAgain(address));
        });
        await client.ConnectAsync().WaitAsync(TestServer.Patience);
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(0.5));
        await AskAsync(client, "after");
        met.Should().BeInRange(1, abrupt ? int.MaxValue : 1);
        hooks.Should().Be(met + 1, "the hook runs on every connection");
    }

    private static async Task AskAsync(SocketClient client, string text)
    {
        using var response = await client.RequestAsync(text).AsTask().WaitAsync(TestServer.Patience);
        response.ToString().Should().Be(text);
    }

    private static async Task<ClientStateChange> NextAsync(Channel<ClientStateChange> changes)
    {
        using var patience = new CancellationTokenSource(TestServer.Patience);
        return await changes.Reader.ReadAsync(patience.Token);
    }
}
