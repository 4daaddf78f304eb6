using System.Net;
using System.Threading.Tasks.Sources;
using BenchmarkDotNet.Attributes;

namespace SocketKit.Benchmarks;

/// <summary>
/// The connection core alone: parsing, the handler's call, framing the reply and one send per batch, on a wire that costs nothing. 1,000
/// batches of 100 messages of 32 bytes; time and allocations are per message.
/// </summary>
[MemoryDiagnoser]
[HideColumns("Error", "StdDev", "Median", "RatioSD")]
public class ConnectionBenchmarks
{
    private const int Messages = 100;
    private const int Batches = 1_000;

    private SocketServer _server = null!;
    private ScriptedTransport _wire = null!;

    [GlobalSetup]
    public async Task Setup()
    {
        _wire = new ScriptedTransport(Messages, 32);
        _server = new SocketServer(new SocketServerOptions
        {
            Listeners = { new OneTransportListener(_wire) },
            Framer = Framers.LengthPrefixed(),
            HandlerFactory = Handlers.OnMessage((connection, message) => connection.SendAsync(message)),
        });
        await _server.StartAsync();
        await _wire.Waiting;
    }

    [GlobalCleanup]
    public async Task Cleanup() => await _server.DisposeAsync();

    [Benchmark(OperationsPerInvoke = Messages * Batches)]
    public void Echo() => _wire.Feed(Batches);

    private sealed class OneTransportListener(Transport transport) : Listener
    {
        private readonly TaskCompletionSource<Transport?> _stopped = new();
        private bool _given;

        public override EndPoint EndPoint { get; } = new DnsEndPoint("benchmark", 1);

        public override ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken) => default;

        public override ValueTask<Transport?> AcceptAsync()
        {
            if (_given)
            {
                return new ValueTask<Transport?>(_stopped.Task);
            }

            _given = true;
            return new ValueTask<Transport?>(transport);
        }

        public override ValueTask StopAsync()
        {
            _stopped.TrySetResult(null);
            return default;
        }

        public override ValueTask DisposeAsync() => StopAsync();
    }

    /// <summary>Gives the same batch as often as it is told to, on the caller's thread, and swallows what is sent.</summary>
    private sealed class ScriptedTransport : Transport, IValueTaskSource<ReceiveResult>
    {
        private readonly TaskCompletionSource _waiting = new();
        private readonly byte[] _batch;
        private ManualResetValueTaskSourceCore<ReceiveResult> _pending;
        private Memory<byte> _buffer;
        private long _sent;
        private int _left;

        public ScriptedTransport(int messages, int size)
        {
            _batch = new byte[messages * (size + 4)];
            for (var at = 0; at < _batch.Length; at += size + 4)
            {
                _batch[at + 3] = (byte)size;
            }
        }

        public Task Waiting => _waiting.Task;

        public override EndPoint? LocalEndPoint => null;

        public override EndPoint? RemoteEndPoint => null;

        public override long BytesSent => _sent;

        public void Feed(int batches)
        {
            _left = batches;
            _pending.SetResult(Give());
        }

        public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
        {
            if (_left > 0)
            {
                _buffer = buffer;
                return new ValueTask<ReceiveResult>(Give());
            }

            // The connection waits with an empty buffer; the result of that wait means nothing.
            _buffer = buffer;
            _pending.Reset();
            _waiting.TrySetResult();
            return new ValueTask<ReceiveResult>(this, _pending.Version);
        }

        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch)
        {
            _sent += batch.Length;
            return default;
        }

        public override ValueTask YieldAsync() => default;

        public override void Abort()
        {
            if (_pending.GetStatus(_pending.Version) == ValueTaskSourceStatus.Pending)
            {
                _pending.SetException(new IOException("aborted"));
            }
        }

        public override ValueTask DisposeAsync() => default;

        public ReceiveResult GetResult(short token) => _pending.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _pending.OnCompleted(continuation, state, token, flags);

        private ReceiveResult Give()
        {
            if (_buffer.IsEmpty)
            {
                return default;
            }

            _left--;
            _batch.CopyTo(_buffer);
            return new ReceiveResult { Count = _batch.Length };
        }
    }
}
