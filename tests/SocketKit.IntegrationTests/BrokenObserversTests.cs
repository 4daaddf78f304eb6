using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests;

/// <summary>
/// Loggers and listeners that throw at every call, on real sockets: the process lives, nothing leaks, clients come back, stops end.
/// </summary>
[Trait("Fault", "X02")]
public sealed class BrokenObserversTests : IDisposable
{
    private readonly ThrowingLogs _logs = new();
    private readonly ConcurrentDictionary<string, bool> _measured = new();
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _spans;

    public BrokenObserversTests()
    {
        _meters.InstrumentPublished = static (instrument, self) =>
        {
            if (instrument.Meter.Name == "SocketKit")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>((instrument, _, _, _) =>
        {
            _measured.TryAdd(instrument.Name, true);
            throw new IOException("a counter");
        });
        _meters.SetMeasurementEventCallback<double>(static (_, _, _, _) => throw new IOException("a histogram"));
        _meters.Start();
        _spans = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "SocketKit",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = static _ => throw new IOException("a start"),
            ActivityStopped = static _ => throw new IOException("a stop"),
        };
        ActivitySource.AddActivityListener(_spans);
    }

    public void Dispose()
    {
        _meters.Dispose();
        _spans.Dispose();
    }

    [Fact]
    public async Task Handlers_that_fail_block_and_close_under_observers_that_throw()
    {
        var server = await StartAsync();
        using var witness = await RawPeer.ConnectAsync(server.EndPoint);
        await witness.EchoAsync("begin");
        var first = await server.OpenedAsync();
        var sessions = new List<Session>();
        foreach (var text in new[] { "throw", "throw later", "close", "abort" })
        {
            using var peer = await RawPeer.ConnectAsync(server.EndPoint);
            await peer.SendAsync(text + "\n");
            await Record.ExceptionAsync(peer.ReceiveLineAsync);
            sessions.Add(await server.OpenedAsync());
        }

        // Long enough for the event loop to go to another thread, which is told of; more than there are loops.
        var blocking = new List<RawPeer>();
        for (var count = 0; count < 4; count++)
        {
            blocking.Add(await RawPeer.ConnectAsync(server.EndPoint));
            await blocking[count].SendAsync("block\n");
        }

        foreach (var peer in blocking)
        {
            (await peer.ReceiveLineAsync()).Should().Be("block");
            sessions.Add(await server.OpenedAsync());
            peer.Dispose();
        }

        await witness.EchoAsync("end");
        await Eventually.TrueAsync(() => server.Server.Connections.Count == 1);
        await server.Server.StopAsync().WaitAsync(TestServer.Patience);
        server.Server.Connections.Count.Should().Be(0);
        foreach (var session in sessions.Append(first))
        {
            await session.ClosedAsync();
            session.ClosedCalls.Should().Be(1);
        }

        _logs.Ids.Should().Contain([1, 6, 20, 21, 22]);
        if (TestEngine.IsEpoll)
        {
            _measured.Keys.Should().Contain("socketkit.loop.hand_overs");
        }
    }

    [Fact]
    public async Task A_client_comes_back_under_observers_that_throw()
    {
        var server = await StartAsync();
        await using var client = new SocketClient(new SocketClientOptions
        {
            Dialer = TestEngine.Dial(server.EndPoint),
            Framer = Framers.Lines(),
            LoggerFactory = _logs,
            Reconnect = new BackoffReconnect(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100)),
        });
        client.StateChanged += (_, _) => throw new InvalidOperationException("a subscriber");
        for (var round = 0; round < 3; round++)
        {
            await client.ConnectAsync().WaitAsync(TestServer.Patience);
            using (var answer = await client.RequestAsync("hello").AsTask().WaitAsync(TestServer.Patience))
            {
                answer.ToString().Should().Be("hello");
            }

            var session = await server.OpenedAsync();
            var own = client.Connection!.Id;
            session.Connection.Abort();
            await session.ClosedAsync();
            await Eventually.TrueAsync(() => client.Connection is { } next && next.Id != own);
        }

        await client.DisconnectAsync().WaitAsync(TestServer.Patience);
        client.State.Should().Be(ClientState.Disconnected);
        await server.DisposeAsync();
        server.Server.Connections.Count.Should().Be(0);
        _logs.Ids.Should().Contain([40, 41, 42, 43]);
    }

    [Fact]
    public async Task Tls_goes_on_under_observers_that_throw()
    {
        var listener = Listen.Tls(TestEngine.Listen("127.0.0.1", 0), TestAuthority.Shared.ListenOptions());
        await using var server = await StartAsync(options => options.Listeners[0] = listener);
        using (var stranger = await RawPeer.ConnectAsync(server.EndPoint))
        {
            await stranger.SendAsync("this is no handshake\n");
            await Record.ExceptionAsync(async () =>
            {
                while (await stranger.ReceiveLineAsync() is not null)
                {
                }
            });
        }

        await using var client = new SocketClient(new SocketClientOptions
        {
            Dialer = Dial.Tls(TestEngine.Dial("127.0.0.1", ((IPEndPoint)listener.EndPoint).Port), new TlsDialOptions { DangerousAcceptAnyCertificate = true, ServerName = "localhost" }),
            Framer = Framers.Lines(),
            LoggerFactory = _logs,
        });
        await client.ConnectAsync().WaitAsync(TestServer.Patience);
        using (var answer = await client.RequestAsync("hello").AsTask().WaitAsync(TestServer.Patience))
        {
            answer.ToString().Should().Be("hello");
        }

        await client.DisconnectAsync().WaitAsync(TestServer.Patience);
        await Eventually.TrueAsync(() => server.Server.Connections.Count == 0);
        _logs.Ids.Should().Contain(50);
    }

    private async Task<TestServer> StartAsync(Action<SocketServerOptions>? configure = null) => await TestServer.StartAsync(
        async (connection, message) =>
        {
            switch (System.Text.Encoding.UTF8.GetString(message.Span))
            {
                case "throw":
                    throw new InvalidOperationException("at once");
                case "throw later":
                    await Task.Yield();
                    throw new InvalidOperationException("later");
                case "close":
                    await connection.CloseAsync();
                    return;
                case "abort":
                    connection.Abort();
                    return;
                case "block":
                    Thread.Sleep(150);
                    break;
                default:
                    break;
            }

            await connection.SendAsync(message);
        },
        options =>
        {
            options.LoggerFactory = _logs;
            configure?.Invoke(options);
        });

    private sealed class ThrowingLogs : ILoggerFactory, ILogger
    {
        private readonly HashSet<int> _ids = [];

        public IReadOnlyCollection<int> Ids
        {
            get
            {
                lock (_ids)
                {
                    return [.. _ids];
                }
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => throw new IOException("a scope");

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_ids)
            {
                _ids.Add(eventId.Id);
            }

            throw new IOException("the disk is full");
        }

        public void Dispose()
        {
        }
    }
}
