using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging.Testing;
using SocketKit.PassThrough;

namespace SocketKit.Tests.TestDoubles;

/// <summary>A server on an in-memory network with virtual time, and what its sessions saw.</summary>
internal sealed class TestBed(int capacity = 64 * 1024) : IAsyncDisposable
{
    public const string Address = "server";
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly AsyncLocal<bool> PassThrough = new();

    /// <summary>
    /// From the constructor of a test class on, a decorator that changes nothing is around each connection of its servers.
    /// </summary>
    public static void UsePassThrough() => PassThrough.Value = true;

    public InMemoryNetwork Network { get; } = new(capacity);

    public WatchedTime Time { get; } = new();

    public FakeLogCollector Logs { get; } = new();

    public ConcurrentQueue<Session> Sessions { get; } = new();

    public SocketServer Server { get; private set; } = null!;

    public WatchedListener Listener { get; private set; } = null!;

    /// <summary>The only session.</summary>
    public Session Session => Sessions.Single();

    /// <summary>Starts a server that echoes lines, or does what the message function says.</summary>
    public async Task<TestBed> StartAsync(Func<IConnection, ReadOnlyMemory<byte>, ValueTask>? onMessage = null, Action<SocketServerOptions>? configure = null)
    {
        var options = new SocketServerOptions
        {
            Framer = Framers.Lines(),
            TimeProvider = Time,
            LoggerFactory = new FakeLoggerFactory(Logs),
            HandlerFactory = connection =>
            {
                var session = new Session(connection, onMessage ?? ((sender, message) => sender.SendAsync(message)));
                Sessions.Enqueue(session);
                return session;
            },
        };
        Listener = new WatchedListener(Network.Listen(Address));
        options.Listeners.Add(PassThrough.Value ? new PassThroughListener(Listener) : Listener);
        configure?.Invoke(options);
        Server = new SocketServer(options);
        await Server.StartAsync();
        return this;
    }

    public Dialer Dial() => new OnTheNetwork(Network, Network.Dial(Address));

    public SocketClientOptions ClientOptions(Action<SocketClientOptions>? configure = null)
    {
        var options = new SocketClientOptions
        {
            Dialer = Dial(),
            Framer = Framers.Lines(),
            TimeProvider = Time,
            LoggerFactory = new FakeLoggerFactory(Logs),
        };
        configure?.Invoke(options);
        return options;
    }

    public async Task<SocketClient> ConnectAsync(Action<SocketClientOptions>? configure = null)
    {
        var client = new SocketClient(ClientOptions(configure));
        await client.ConnectAsync().WaitAsync(Patience);
        Network.Settle();
        return client;
    }

    public async Task<RawPeer> ConnectRawAsync() => new(await Network.ConnectAsync(Address));

    /// <summary>Starts a server with the given handlers instead of sessions.</summary>
    public Task<TestBed> StartAsync(Func<IConnection, ConnectionHandler> handler, Action<SocketServerOptions>? configure = null) =>
        StartAsync(onMessage: null, options =>
        {
            options.HandlerFactory = handler;
            configure?.Invoke(options);
        });

    /// <summary>Lets virtual time pass in steps of the clock.</summary>
    public void Advance(TimeSpan time) => Network.Advance(time, Time.Advance);

    public void Advance(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Opens a gate that handlers wait at, and lets everything happen.</summary>
    public void Open(TaskCompletionSource gate)
    {
        gate.SetResult();
        Network.Settle().Should().BeTrue();
    }

    /// <summary>Called before the server stops for good.</summary>
    public Action? Ending { get; set; }

    public async ValueTask DisposeAsync()
    {
        Ending?.Invoke();
        var stop = Server.StopAsync(new CancellationToken(canceled: true));
        await stop.WaitAsync(Patience);
    }

    private sealed class FakeLoggerFactory(FakeLogCollector collector) : Microsoft.Extensions.Logging.ILoggerFactory
    {
        public Microsoft.Extensions.Logging.ILogger CreateLogger(string categoryName) => new FakeLogger(collector, categoryName);

        public void AddProvider(Microsoft.Extensions.Logging.ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}

/// <summary>A handler that notes every call.</summary>
internal sealed class Session(IConnection connection, Func<IConnection, ReadOnlyMemory<byte>, ValueTask> onMessage) : ConnectionHandler
{
    private readonly TaskCompletionSource<CloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IConnection Connection { get; } = connection;

    public ConcurrentQueue<string> Events { get; } = new();

    /// <summary>The messages that came, without the other calls.</summary>
    public IEnumerable<string> Messages => Events.Where(call => call is not ("connected" or "closed"));

    public Task<CloseReason> ClosedCall => _closed.Task.WaitAsync(TestBed.Patience);

    public override ValueTask OnConnectedAsync(IConnection connection)
    {
        Events.Enqueue("connected");
        return default;
    }

    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        Events.Enqueue(Encoding.UTF8.GetString(message.Span));
        return onMessage(connection, message);
    }

    public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
    {
        Events.Enqueue("closed");
        _closed.TrySetResult(reason);
        return default;
    }
}

/// <summary>A peer that speaks bytes.</summary>
internal sealed class RawPeer(Transport transport) : IAsyncDisposable
{
    private readonly byte[] _buffer = new byte[256 * 1024];

    public Transport Transport { get; } = transport;

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await Transport.SendAsync(bytes).AsTask().WaitAsync(TestBed.Patience);

    public async Task<string> ReceiveAsync()
    {
        var received = await Transport.ReceiveAsync(_buffer).AsTask().WaitAsync(TestBed.Patience);
        return Encoding.UTF8.GetString(_buffer, 0, received.Count);
    }

    /// <summary>Receives until so many bytes are there, or the stream ends.</summary>
    public async Task<string> ReceiveAsync(int count)
    {
        var text = new StringBuilder();
        for (var left = count; left > 0;)
        {
            var received = await Transport.ReceiveAsync(_buffer.AsMemory(0, Math.Min(left, _buffer.Length))).AsTask().WaitAsync(TestBed.Patience);
            if (received.Count == 0)
            {
                break;
            }

            text.Append(Encoding.Latin1.GetString(_buffer, 0, received.Count));
            left -= received.Count;
        }

        return text.ToString();
    }

    public async Task FinishAsync() => await Transport.CompleteOutputAsync();

    /// <summary>Receives until the server has finished.</summary>
    public async Task<string> ReceiveToEndAsync() => await ReceiveAsync(int.MaxValue);

    /// <summary>A receive that ends with the wire, whichever way; true for an orderly end.</summary>
    public async Task<bool> EndsAsync()
    {
        try
        {
            return (await Transport.ReceiveAsync(_buffer).AsTask().WaitAsync(TestBed.Patience)).Count == 0;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync()
    {
        Transport.Abort();
        return Transport.DisposeAsync();
    }
}
