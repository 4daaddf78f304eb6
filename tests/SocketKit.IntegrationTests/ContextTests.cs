using System.Collections.Concurrent;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests;

/// <summary>What of its surroundings a handler sees.</summary>
public class ContextTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    [Fact]
    public async Task Handlers_see_nothing_of_who_started_the_server_and_nothing_of_an_earlier_call()
    {
        var seen = new ConcurrentQueue<string?>();
        Ambient.Value = "the starter's";
        await using var server = await TestServer.StartAsync(async (connection, message) =>
        {
            seen.Enqueue(Ambient.Value);
            Ambient.Value = "an earlier call's";
            if (message.Length % 2 == 0)
            {
                await Task.Yield();
                seen.Enqueue(Ambient.Value == "an earlier call's" ? null : "lost after an await");
            }

            await connection.SendAsync("x");
        });
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);

        // In one batch, some inline and some asynchronous; then one by one.
        await peer.SendAsync("1\n12\n1\n12\n12\n1\n1\n");
        for (var i = 0; i < 7; i++)
        {
            await peer.ReceiveLineAsync();
        }

        for (var i = 0; i < 5; i++)
        {
            await peer.SendAsync("1\n");
            await peer.ReceiveLineAsync();
        }

        seen.Should().HaveCount(15).And.OnlyContain(value => value == null);
    }

    [Fact]
    public async Task A_clients_handler_and_hook_see_nothing_of_who_called_ConnectAsync()
    {
        await using var server = await TestServer.StartAsync();
        var seen = new ConcurrentQueue<string?>();
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Ambient.Value = "the caller's";
        await using var client = new SocketClient(new SocketClientOptions
        {
            Dialer = TestEngine.Dial(server.EndPoint),
            Framer = Framers.Lines(),
            OnOpening = (_, _) =>
            {
                seen.Enqueue(Ambient.Value);
                return default;
            },
            HandlerFactory = Handlers.OnText((_, _) =>
            {
                seen.Enqueue(Ambient.Value);
                received.SetResult();
                return default;
            }),
        });

        await client.ConnectAsync().WaitAsync(TestServer.Patience);
        await client.SendAsync("hello");
        await received.Task.WaitAsync(TestServer.Patience);

        seen.Should().HaveCount(2).And.OnlyContain(value => value == null);
        Ambient.Value.Should().Be("the caller's");
    }
}
