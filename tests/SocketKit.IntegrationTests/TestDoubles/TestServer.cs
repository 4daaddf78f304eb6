using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>A server on this machine, its sessions and its log.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    /// <summary>How long an await may take before the test fails; no bound on anything.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<Session> _sessions = Channel.CreateUnbounded<Session>();

    private TestServer(Func<IConnection, ReadOnlyMemory<byte>, ValueTask>? onMessage, Action<SocketServerOptions>? configure)
    {
        var options = new SocketServerOptions
        {
            Listeners = { TestWire.Listen() },
            Framer = Framers.Lines(),
            LoggerFactory = new CollectingLoggerFactory(Logs),
            HandlerFactory = connection => new Session(connection, onMessage ?? ((sender, message) => sender.SendAsync(message)), _sessions.Writer),
        };
        configure?.Invoke(options);
        Server = new SocketServer(options);
    }

    public SocketServer Server { get; }

    public FakeLogCollector Logs { get; } = new();

    public EndPoint EndPoint => Server.EndPoints[0];

    /// <summary>The port of a server on TCP.</summary>
    public int Port => ((IPEndPoint)EndPoint).Port;

    /// <summary>Starts a server that echoes lines, or does what the function says.</summary>
    public static async Task<TestServer> StartAsync(Func<IConnection, ReadOnlyMemory<byte>, ValueTask>? onMessage = null, Action<SocketServerOptions>? configure = null)
    {
        var server = new TestServer(onMessage, configure);
        await server.Server.StartAsync().WaitAsync(Patience);
        return server;
    }

    /// <summary>The next session that was opened.</summary>
    public async Task<Session> OpenedAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _sessions.Reader.ReadAsync(patience.Token);
    }

    public async Task<Session[]> OpenedAsync(int count)
    {
        var sessions = new Session[count];
        for (var i = 0; i < count; i++)
        {
            sessions[i] = await OpenedAsync();
        }

        return sessions;
    }

    /// <summary>How many sessions were opened that nobody has asked for.</summary>
    public int Waiting => _sessions.Reader.Count;

    /// <summary>
    /// Log lines from a level upwards, but for those that say that a thread of the engine did not get on: on a busy machine that may be the
    /// other tests' doing.
    /// </summary>
    public IEnumerable<string> LogFrom(LogLevel level) =>
        Logs.GetSnapshot().Where(record => record.Level >= level && record.Id.Id is not (9 or 29) && !record.Message.Contains("handlers that block", StringComparison.Ordinal)).Select(record => record.ToString());

    /// <summary>Stops at once.</summary>
    public async ValueTask DisposeAsync() => await Server.StopAsync(new CancellationToken(canceled: true)).WaitAsync(Patience);

    internal sealed class CollectingLoggerFactory(FakeLogCollector collector) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new FakeLogger(collector, categoryName);

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}

/// <summary>A handler that notes every call.</summary>
internal sealed class Session(IConnection connection, Func<IConnection, ReadOnlyMemory<byte>, ValueTask> onMessage, ChannelWriter<Session> opened) : ConnectionHandler
{
    private readonly TaskCompletionSource<CloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<string> _messages = Channel.CreateUnbounded<string>();
    private int _closedCalls;

    public IConnection Connection { get; } = connection;

    /// <summary>How many times <see cref="OnClosedAsync"/> was called.</summary>
    public int ClosedCalls => Volatile.Read(ref _closedCalls);

    /// <summary>The reason that <see cref="OnClosedAsync"/> was given.</summary>
    public Task<CloseReason> ClosedAsync() => _closed.Task.WaitAsync(TestServer.Patience);

    /// <summary>How many messages came that nobody has asked for.</summary>
    public int WaitingMessages => _messages.Reader.Count;

    /// <summary>The next message, when the handler was called with it.</summary>
    public async Task<string> MessageAsync()
    {
        using var patience = new CancellationTokenSource(TestServer.Patience);
        return await _messages.Reader.ReadAsync(patience.Token);
    }

    public override ValueTask OnConnectedAsync(IConnection connection)
    {
        opened.TryWrite(this);
        return default;
    }

    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        _messages.Writer.TryWrite(Encoding.UTF8.GetString(message.Span));
        return onMessage(connection, message);
    }

    public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
    {
        Interlocked.Increment(ref _closedCalls);
        _closed.TrySetResult(reason);
        return default;
    }
}
