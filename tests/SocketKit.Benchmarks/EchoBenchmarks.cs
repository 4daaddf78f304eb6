using BenchmarkDotNet.Attributes;

namespace SocketKit.Benchmarks;

/// <summary>
/// A batch of 100 messages of 32 bytes to an echo server over the in-memory network and back: the whole way of a byte without a kernel.
/// Allocated must be 0.
/// </summary>
[MemoryDiagnoser]
[HideColumns("Error", "StdDev", "Median", "RatioSD")]
public class EchoBenchmarks
{
    private const int Messages = 100;

    private readonly byte[] _batch = new byte[Messages * 36];
    private readonly byte[] _echo = new byte[Messages * 36];
    private SocketServer _server = null!;
    private Transport _peer = null!;

    [GlobalSetup]
    public async Task Setup()
    {
        var network = new InMemoryNetwork();
        _server = new SocketServer(new SocketServerOptions
        {
            Listeners = { network.Listen("echo") },
            Framer = Framers.LengthPrefixed(),
            HandlerFactory = Handlers.OnMessage((connection, message) => connection.SendAsync(message)),
        });
        await _server.StartAsync();
        _peer = await network.ConnectAsync("echo");
        for (var i = 0; i < Messages; i++)
        {
            _batch[(i * 36) + 3] = 32;
        }
    }

    [GlobalCleanup]
    public async Task Cleanup()
    {
        _peer.Abort();
        await _peer.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public async ValueTask Echo()
    {
        await _peer.SendAsync(_batch);
        for (var received = 0; received < _batch.Length;)
        {
            received += (await _peer.ReceiveAsync(_echo)).Count;
        }
    }
}
