using System.Net;
using System.Net.Sockets;

namespace SocketKit.AotSmoke;

/// <summary>What must work in native code as it does elsewhere. A check that fails throws.</summary>
internal static class Checks
{
    private static readonly (string Said, string Answer)[] Rules = [("1", "你猜!"), ("2", "谢谢!"), ("3", "对不起!"), ("4", "好的!")];

    public static async Task RepliesAsync(SocketEngine engine)
    {
        await using var server = await ServeAsync(engine, Framers.Lines(), Handlers.Reply(new GuessThanksSorryOkReplies()));
        await using var client = Client(engine, server, Framers.Lines());
        await AskAsync(client);
    }

    /// <summary>The least that a server does: it starts and replies once.</summary>
    public static async Task StartAsync()
    {
        await using var server = await ServeAsync(SocketEngine.Auto, Framers.Lines(), Handlers.Reply(new GuessThanksSorryOkReplies()));
        await using var client = Client(SocketEngine.Auto, server, Framers.Lines());
        await client.ConnectAsync();
        using var response = await client.RequestAsync("1");
        Require(response.ToString() == "你猜!", $"1 was answered with {response}");
    }

    public static async Task InMemoryAsync()
    {
        var network = new InMemoryNetwork();
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { network.Listen("replies") },
            Framer = Framers.Lines(),
            HandlerFactory = Handlers.Reply(new GuessThanksSorryOkReplies()),
        });
        await server.StartAsync();
        await using var client = new SocketClient(new SocketClientOptions { Dialer = network.Dial("replies"), Framer = Framers.Lines() });
        await AskAsync(client);
    }

    /// <summary>A Unix socket by its URL, first left behind by a dead process; and the process at the other end.</summary>
    public static async Task UnixAsync(SocketEngine engine)
    {
        var path = Path.Combine(Path.GetTempPath(), $"socketkit-native-{Environment.ProcessId}.sock");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixEndPoint(path));
        }

        var suffix = $"?engine={engine.ToString().ToLowerInvariant()}";
        var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { Listen.Url($"unix://{path}{suffix}") },
            Framer = Framers.Lines(),
            HandlerFactory = Handlers.OnText((connection, text) => connection.SendAsync(connection.RemoteEndPoint!.ToString()!)),
        });
        await server.StartAsync();
        await using (var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Url($"unix://{path}{suffix}"), Framer = Framers.Lines() }))
        {
            await client.ConnectAsync();
            using var response = await client.RequestAsync("who am I?");
            Require(response.ToString().StartsWith($"process {Environment.ProcessId} of user ", StringComparison.Ordinal), $"the server sees {response}");
        }

        await server.StopAsync();
        Require(!File.Exists(path), "the socket is still there");
    }

    public static async Task CrowdAsync(SocketEngine engine)
    {
        await using var server = await ServeAsync(engine, Framers.LengthPrefixed(), Handlers.OnMessage((connection, message) => connection.SendAsync(message)));
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async number =>
        {
            await using var client = Client(engine, server, Framers.LengthPrefixed());
            await client.ConnectAsync();
            await Task.WhenAll(Enumerable.Range(0, 100).Select(async request =>
            {
                var text = $"{number}/{request}";
                using var response = await client.RequestAsync(text);
                Require(response.ToString() == text, $"{text} came back as {response}");
            }));
        }));
    }

    public static async Task BlockingAsync(SocketEngine engine)
    {
        using var release = new ManualResetEventSlim();
        await using var server = await ServeAsync(engine, Framers.Lines(), Handlers.OnText((connection, text) =>
        {
            if (text == "block")
            {
                release.Wait();
            }

            return connection.SendAsync(text);
        }));
        var clients = Enumerable.Range(0, 8).Select(_ => Client(engine, server, Framers.Lines())).ToArray();
        try
        {
            await Task.WhenAll(clients.Select(client => client.ConnectAsync()));
            var blocked = clients[0].RequestAsync("block").AsTask();
            foreach (var other in clients[1..])
            {
                using var response = await other.RequestAsync("go on");
            }

            Require(!blocked.IsCompleted, "the handler did not block");
            release.Set();
            using var last = await blocked;
        }
        finally
        {
            release.Set();
            foreach (var client in clients)
            {
                await client.DisposeAsync();
            }
        }
    }

    public static async Task LivenessAsync(SocketEngine engine)
    {
        var first = await ServeEchoAsync(engine, port: 0);
        await using var client = Client(engine, first, Framers.Lines());
        await client.ConnectAsync();
        var port = ((IPEndPoint)first.EndPoints[0]).Port;
        await first.DisposeAsync();

        await using var second = await ServeEchoAsync(engine, port);
        await client.ConnectAsync();
        using var response = await client.RequestAsync("back again");
        Require(response.ToString() == "back again", $"the second server answered {response}");
        Require(await second.BroadcastAsync("to all"u8.ToArray()) == 1, "the broadcast found nobody");
    }

    private static Task<SocketServer> ServeEchoAsync(SocketEngine engine, int port) =>
        ServeAsync(engine, Framers.Lines(), Handlers.OnText((connection, text) => connection.SendAsync(text)), port, new BeaconHeartbeat("beat"u8));

    public static async Task AskAsync(SocketClient client)
    {
        await client.ConnectAsync();
        foreach (var (said, answer) in Rules)
        {
            using var response = await client.RequestAsync(said);
            Require(response.ToString() == answer, $"{said} was answered with {response}");
        }

        using var other = await client.RequestAsync("你好");
        Require(other.ToString() is "你好" or "不知道你在说什么!", $"你好 was answered with {other}");
    }

    private static Task<SocketServer> ServeAsync(SocketEngine engine, IFramer framer, Func<IConnection, ConnectionHandler> handler, int port = 0, IHeartbeatPolicy? heartbeat = null) =>
        ServeAsync(Listen.Tcp("127.0.0.1", port, new TcpListenOptions { Engine = engine }), framer, handler, heartbeat);

    public static async Task<SocketServer> ServeAsync(Listener listener, IFramer framer, Func<IConnection, ConnectionHandler> handler, IHeartbeatPolicy? heartbeat = null)
    {
        var options = new SocketServerOptions { Listeners = { listener }, Framer = framer, HandlerFactory = handler };
        if (heartbeat is not null)
        {
            options.Heartbeat = heartbeat;
        }

        var server = new SocketServer(options);
        await server.StartAsync();
        return server;
    }

    private static SocketClient Client(SocketEngine engine, SocketServer server, IFramer framer) => new(new SocketClientOptions
    {
        Dialer = Dial.Tcp("127.0.0.1", ((IPEndPoint)server.EndPoints[0]).Port, new TcpDialOptions { Engine = engine }),
        Framer = framer,
        Reconnect = new BackoffReconnect(),
    });

    public static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidOperationException(otherwise);
        }
    }
}
