using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SocketKit.Load.Stalls;

/// <summary>One round of each case: how long somebody waits for handlers that block their threads, as handlers must not.</summary>
internal static class StallCases
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan BlockTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromMilliseconds(200);

    public static readonly StallCase[] All =
    [
        new("newcomer", "a newcomer's reply", TimeSpan.FromMilliseconds(300), NewcomerAsync),
        new("stop", "a stop", DrainTimeout + CloseTimeout + TimeSpan.FromSeconds(1), (engine, _) => StopAsync(engine)),
        new("disconnect", "a client's disconnect", CloseTimeout + TimeSpan.FromSeconds(1), (engine, _) => EndOfClientAsync(engine, client => client.DisconnectAsync())),
        new("dispose", "a client's disposal", CloseTimeout + TimeSpan.FromSeconds(1), (engine, _) => EndOfClientAsync(engine, client => client.DisposeAsync().AsTask())),
    ];

    /// <summary>
    /// The handlers of a crowd sleep for a second, each connection of its own; somebody else connects and asks for something.
    /// </summary>
    private static async Task<TimeSpan> NewcomerAsync(SocketEngine engine, int crowd)
    {
        await using var server = await ServeAsync(engine, Handlers.OnMessage((connection, message) =>
        {
            if (message.Span is [(byte)'b', ..])
            {
                Thread.Sleep(BlockTime);
            }

            return connection.SendAsync(message);
        }));
        var end = (IPEndPoint)server.EndPoints[0];

        // On a thread of its own: the pool may be what is blocked.
        return await Task.Factory.StartNew(() =>
        {
            var sockets = new List<Socket>();
            try
            {
                for (var i = 0; i < crowd; i++)
                {
                    sockets.Add(Connect(end));
                    sockets[i].Send("block\n"u8);
                }

                var began = Stopwatch.GetTimestamp();
                sockets.Add(Connect(end));
                sockets[^1].Send("hi\n"u8);
                var reply = new byte[3];
                for (var received = 0; received < reply.Length;)
                {
                    var count = sockets[^1].Receive(reply.AsSpan(received));
                    received += count > 0 ? count : throw new IOException("The server closed the newcomer's connection.");
                }

                return Stopwatch.GetElapsedTime(began);
            }
            finally
            {
                sockets.ForEach(socket => socket.Dispose());
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>A handler blocks until the stop of its server is over.</summary>
    private static async Task<TimeSpan> StopAsync(SocketEngine engine)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var over = new ManualResetEventSlim();
        await using var server = await ServeAsync(engine, Handlers.OnMessage((_, _) =>
        {
            entered.SetResult();
            over.Wait(Patience);
            return default;
        }));
        using var peer = Connect((IPEndPoint)server.EndPoints[0]);
        peer.Send("stop\n"u8);
        await entered.Task.WaitAsync(Patience);
        var began = Stopwatch.GetTimestamp();
        try
        {
            await server.StopAsync();
            return Stopwatch.GetElapsedTime(began);
        }
        finally
        {
            over.Set();
        }
    }

    /// <summary>A client's handler waits for the end of its own connection.</summary>
    private static async Task<TimeSpan> EndOfClientAsync(SocketEngine engine, Func<SocketClient, Task> endAsync)
    {
        await using var server = await ServeAsync(engine, Handlers.OnMessage((connection, message) => connection.SendAsync(message)));
        var ended = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        SocketClient? client = null;
        await using var own = client = new SocketClient(new SocketClientOptions
        {
            Dialer = Dial.Tcp("127.0.0.1", ((IPEndPoint)server.EndPoints[0]).Port, new TcpDialOptions { Engine = engine }),
            Framer = Framers.Lines(),
            CloseTimeout = CloseTimeout,
            OnOpening = (connection, _) => connection.SendAsync("hi"),
            HandlerFactory = Handlers.OnMessage((_, _) =>
            {
                var began = Stopwatch.GetTimestamp();
                endAsync(client!).GetAwaiter().GetResult();
                ended.SetResult(Stopwatch.GetElapsedTime(began));
                return default;
            }),
        });
        await client.ConnectAsync();
        return await ended.Task.WaitAsync(Patience);
    }

    private static async Task<SocketServer> ServeAsync(SocketEngine engine, Func<IConnection, ConnectionHandler> handler)
    {
        var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { Listen.Tcp("127.0.0.1", 0, new TcpListenOptions { Engine = engine }) },
            Framer = Framers.Lines(),
            HandlerFactory = handler,
            MaxConnections = 100_000,
            DrainTimeout = DrainTimeout,
            CloseTimeout = CloseTimeout,
        });
        await server.StartAsync();
        return server;
    }

    private static Socket Connect(IPEndPoint end)
    {
        var socket = new Socket(end.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)Patience.TotalMilliseconds };
        socket.Connect(end);
        return socket;
    }
}

/// <summary>Somebody who waits for handlers that block.</summary>
/// <param name="Name">What the user types.</param>
/// <param name="Title">What tables show: who waits.</param>
/// <param name="Bound">No round may take longer.</param>
/// <param name="RunAsync">One round on an engine, beside so many handlers that block; gives how long it waited.</param>
internal sealed record StallCase(string Name, string Title, TimeSpan Bound, Func<SocketEngine, int, Task<TimeSpan>> RunAsync);
