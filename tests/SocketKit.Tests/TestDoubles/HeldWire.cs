using System.Collections.Concurrent;
using System.Net;

namespace SocketKit.Tests.TestDoubles;

/// <summary>A wire whose verbs end when the test says so: an abort alone ends none of them.</summary>
internal sealed class HeldWire : Transport
{
    private static readonly IPEndPoint Nowhere = new(IPAddress.Loopback, 9);

    public ConcurrentQueue<TaskCompletionSource<Received>> Receives { get; } = new();

    public ConcurrentQueue<TaskCompletionSource> Sends { get; } = new();

    public bool Aborted { get; private set; }

    public bool Disposed { get; private set; }

    public override EndPoint? LocalEndPoint => Nowhere;

    public override EndPoint? RemoteEndPoint => Nowhere;

    public override long BytesSent => 0;

    public override ValueTask<Received> ReceiveAsync(Memory<byte> buffer)
    {
        var receive = new TaskCompletionSource<Received>();
        Receives.Enqueue(receive);
        return new ValueTask<Received>(receive.Task);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        var send = new TaskCompletionSource();
        Sends.Enqueue(send);
        return new ValueTask(send.Task);
    }

    /// <summary>At once: whatever follows has happened when the call that brought it about returns.</summary>
    public override ValueTask YieldAsync() => default;

    public override void Abort() => Aborted = true;

    public override ValueTask DisposeAsync()
    {
        Disposed = true;
        return default;
    }
}

/// <summary>A listener that brings one connection.</summary>
internal sealed class OneWireListener(Transport wire) : Listener
{
    private readonly TaskCompletionSource<Transport?> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Transport? _wire = wire;

    public override EndPoint EndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 9);

    public override ValueTask BindAsync(CancellationToken cancellationToken) => default;

    public override ValueTask<Transport?> AcceptAsync() => Interlocked.Exchange(ref _wire, null) is { } only ? new(only) : new(_end.Task);

    public override ValueTask StopAsync()
    {
        _end.TrySetResult(null);
        return default;
    }

    public override ValueTask DisposeAsync() => StopAsync();
}
