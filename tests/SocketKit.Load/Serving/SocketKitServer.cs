using System.Net;

namespace SocketKit.Load.Serving;

/// <summary>The library's own server, on the engine and with the handler that were asked for.</summary>
internal sealed class SocketKitServer : IMeasuredServer
{
    private readonly SocketServer _server;

    private SocketKitServer(SocketServer server) => _server = server;

    public int Port => ((IPEndPoint)_server.EndPoints[0]).Port;

    public int? Connections => _server.Connections.Count;

    public static async Task<IMeasuredServer> StartAsync(ServeOptions options)
    {
        var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { options.Tls ? Listen.Tls(EngineChoice.Listen(options.Engine, options.Port), new TlsListenOptions { Certificate = TlsCertificate.CreateDevelopment() }) : EngineChoice.Listen(options.Engine, options.Port) },
            Framer = Framers.LengthPrefixed(),
            // The library counts the length field too.
            MaxFrameLength = ServeOptions.MaxFrameLength + 4,
            MaxConnections = 1_000_000,
            Heartbeat = options.Heartbeat == 0 ? NoHeartbeat.Instance : new BeaconHeartbeat(ServeOptions.Beat, TimeSpan.FromSeconds(options.Heartbeat)),
            HandlerFactory = HandlerOf(options),
        });
        await server.StartAsync();
        return new SocketKitServer(server);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static Func<IConnection, ConnectionHandler> HandlerOf(ServeOptions options)
    {
        switch (options.Handler)
        {
            case "async":
                return Handlers.OnMessage(async (connection, message) =>
                {
                    await Task.Yield();
                    await connection.SendAsync(message);
                });
            case "broadcast":
                return Handlers.OnMessage(async (connection, message) => await connection.Server.BroadcastAsync(message));
            case "block":
                var index = -1;
                var echo = new Echo();
                var blocking = new BlockingEcho(options.BlockMilliseconds);
                return _ => Interlocked.Increment(ref index) % options.BlockEvery == 0 ? blocking : echo;
            default:
                return Handlers.OnMessage((connection, message) => connection.SendAsync(message));
        }
    }

    private sealed class Echo : ConnectionHandler
    {
        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => connection.SendAsync(message);
    }

    private sealed class BlockingEcho(int milliseconds) : ConnectionHandler
    {
        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            Thread.Sleep(milliseconds);
            return connection.SendAsync(message);
        }
    }
}
