using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Security.Authentication;
using SocketKit.Load.Serving;

namespace SocketKit.Load.TlsClose;

/// <summary><c>tls-close-victim</c>: the library's end of the connections, in a process of its own, which a fault of native memory ends.
/// It stops when its standard input ends.</summary>
internal static class TlsCloseVictim
{
    public const string Name = "tls-close-victim";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    public static Command Create()
    {
        Option<string> role = new("--role");
        Option<string> engine = new("--engine");
        Option<SslProtocols> protocol = new("--protocol");
        Option<string> certificate = new("--certificate");
        Option<int[]> ports = new("--ports") { AllowMultipleArgumentsPerToken = true };
        Option<int> workers = new("--workers");
        Option<CloseCause[]> causes = new("--causes") { AllowMultipleArgumentsPerToken = true };
        var command = new Command(Name, "The other process of measure tls-close.") { role, engine, protocol, certificate, ports, workers, causes };
        command.Hidden = true;
        command.SetAction(async (arguments, _) =>
        {
            var setting = new Setting(EngineChoice.Of(arguments.GetValue(engine)!), arguments.GetValue(protocol), arguments.GetValue(certificate)!);
            using var stop = new CancellationTokenSource();
            var chosen = arguments.GetValue(causes)!;
            var running = arguments.GetValue(role) == "server"
                ? chosen.Select(cause => ServeAsync(setting, cause, stop.Token)).ToArray()
                : [.. chosen.Zip(arguments.GetValue(ports)!)
                    .SelectMany(one => Enumerable.Repeat(one, arguments.GetValue(workers)))
                    .Select(one => Task.Run(() => DialAsync(setting, one.First, one.Second, stop.Token)))];
            Console.WriteLine("ready");
            await Console.In.ReadToEndAsync(CancellationToken.None);
            await stop.CancelAsync();
            await Task.WhenAll(running);
            return 0;
        });
        return command;
    }

    private static async Task DialAsync(Setting setting, CloseCause cause, int port, CancellationToken stop)
    {
        var tls = new TlsDialOptions { ServerName = "localhost", Protocols = setting.Protocol };
        tls.Authorities.ImportFromPemFile(setting.Certificate);
        var dialer = SocketKit.Dial.Tls("127.0.0.1", port, tls, new TcpDialOptions { Engine = setting.Engine });
        while (!stop.IsCancellationRequested)
        {
            var handler = new Echo(cause);
            var options = new SocketClientOptions { Dialer = dialer, HandlerFactory = _ => handler, OpenTimeout = Patience, ConnectTimeout = Patience };
            await using var client = new SocketClient(Configure(options, cause));
            try
            {
                await client.ConnectAsync(CancellationToken.None);
            }
            catch (ConnectException)
            {
                continue;
            }

            await handler.Connected.WaitAsync(Patience, CancellationToken.None);
            await Task.Delay(Random.Shared.Next(1, 15), CancellationToken.None);
            switch (cause)
            {
                case CloseCause.Disconnect:
                    await client.DisconnectAsync(cancellationToken: CancellationToken.None);
                    break;
                case CloseCause.Dispose:
                    await client.DisposeAsync();
                    break;
                default:
                    handler.End();
                    break;
            }

            await handler.Closed.WaitAsync(Patience, CancellationToken.None);
        }
    }

    private static async Task ServeAsync(Setting setting, CloseCause cause, CancellationToken stop)
    {
        var port = 0;
        var tls = new TlsListenOptions { Certificate = TlsCertificate.FromPem(setting.Certificate), Protocols = setting.Protocol };
        do
        {
            var handlers = new HandlerList(cause);
            var listener = Listen.Tls("127.0.0.1", port, tls, new TcpListenOptions { Engine = setting.Engine });
            var options = new SocketServerOptions { Listeners = { listener }, HandlerFactory = _ => handlers.Add(), OpenTimeout = Patience };
            var server = new SocketServer(Configure(options, cause));
            await using (server)
            {
                await server.StartAsync(CancellationToken.None);
                if (port == 0)
                {
                    port = ((System.Net.IPEndPoint)server.EndPoints[0]).Port;
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cause} {port}"));
                }

                if (cause is CloseCause.Disconnect or CloseCause.Dispose)
                {
                    // The peers connect meanwhile, and send.
                    await Task.Delay(Random.Shared.Next(20, 100), CancellationToken.None);
                    if (cause == CloseCause.Disconnect)
                    {
                        await server.StopAsync(CancellationToken.None);
                    }
                }
                else
                {
                    while (!stop.IsCancellationRequested)
                    {
                        await Task.Delay(Random.Shared.Next(1, 4), CancellationToken.None);
                        handlers.EndSome();
                    }
                }
            }
        }
        while (!stop.IsCancellationRequested);
    }

    private static T Configure<T>(T options, CloseCause cause)
        where T : ConnectionOptions
    {
        options.Framer = new EndingFramer();
        // A busy machine must not end what is graceful.
        options.CloseTimeout = TimeSpan.FromSeconds(20);
        options.SlowConsumerTimeout = TimeSpan.FromMinutes(5);
        options.MaxQueuedBytes = cause == CloseCause.SlowConsumer ? 64 * 1024 : 4 * 1024 * 1024;
        options.Heartbeat = cause == CloseCause.Refuse ? new Refusal() : NoHeartbeat.Instance;
        return options;
    }

    private sealed record Setting(SocketEngine Engine, SslProtocols Protocol, string Certificate);

    /// <summary>Sends back what comes, and ends its connection when it is told to.</summary>
    private sealed class Echo(CloseCause cause) : ConnectionHandler
    {
        private static readonly byte[] Much = new byte[100_000];

        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly long _due = Environment.TickCount64 + Random.Shared.Next(1, 15);
        private volatile IConnection? _connection;

        public Task Connected => _connected.Task;

        public Task Closed => _closed.Task;

        public bool IsDue => _connection is not null && Environment.TickCount64 >= _due;

        public override ValueTask OnConnectedAsync(IConnection connection)
        {
            _connection = connection;
            _connected.SetResult();
            return default;
        }

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => message.Span switch
        {
            [CloseCauses.HandlerFails, ..] => throw new InvalidOperationException("The peer asked for it."),
            _ => connection.SendAsync(message),
        };

        public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            _closed.TrySetResult();
            return default;
        }

        public void End()
        {
            switch (cause)
            {
                case CloseCause.Close:
                    _ = _connection?.CloseAsync().AsTask();
                    break;
                case CloseCause.SlowConsumer:
                    while (_connection is { } connection && !connection.ClosedToken.IsCancellationRequested)
                    {
                        try
                        {
                            _ = connection.SendAsync(Much, CancellationToken.None).AsTask();
                        }
                        catch (ConnectionClosedException)
                        {
                            return;
                        }
                    }

                    break;
                case CloseCause.Abort:
                    _connection?.Abort();
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>The handlers of a server's connections.</summary>
    private sealed class HandlerList(CloseCause cause)
    {
        private readonly Lock _gate = new();
        private readonly List<Echo> _handlers = [];

        public Echo Add()
        {
            var handler = new Echo(cause);
            lock (_gate)
            {
                _handlers.Add(handler);
            }

            return handler;
        }

        public void EndSome()
        {
            Echo[] due;
            lock (_gate)
            {
                due = [.. _handlers.Where(handler => handler.IsDue)];
                _handlers.RemoveAll(handler => due.Contains(handler));
            }

            foreach (var handler in due)
            {
                handler.End();
            }
        }
    }

    /// <summary>Lines, but for what is to end the connection.</summary>
    private sealed class EndingFramer : IFramer
    {
        private readonly LinesFramer _lines = Framers.Lines();

        public Frame Read(Span<byte> input, long resume) => input[0] switch
        {
            CloseCauses.NoFrame => throw new FramingException("The peer asked for it."),
            CloseCauses.HugeFrame => Frame.NeedTotal(1 << 30),
            _ => _lines.Read(input, resume),
        };

        public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output) => _lines.Write(message, output);
    }

    private sealed class Refusal : IHeartbeatPolicy
    {
        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state) =>
            pulse.SinceOpened > TimeSpan.FromMilliseconds(20) ? HeartbeatDecision.Refuse : HeartbeatDecision.Wait(TimeSpan.FromMilliseconds(20));

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) => HeartbeatKind.None;

        public void Write(
            HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output) =>
            throw new NotSupportedException("There are no heartbeats.");
    }
}
