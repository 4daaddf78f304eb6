using System.Net;

namespace SocketKit.Tests.TestDoubles;

/// <summary>A wire of somebody else's, which throws from its verbs at once instead of returning a failed task.</summary>
internal sealed class FaultyTransport(Transport inner) : Transport
{
    /// <summary>Thrown by sends and receives from now on.</summary>
    public Exception? Fault { get; set; }

    public bool Disposed { get; private set; }

    public override EndPoint? LocalEndPoint => inner.LocalEndPoint;

    public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    public override long BytesSent => inner.BytesSent;

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => Fault is null ? inner.ReceiveAsync(buffer) : throw Fault;

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => Fault is null ? inner.SendAsync(batch) : throw Fault;

    public override ValueTask CompleteOutputAsync() => inner.CompleteOutputAsync();

    public override void Abort() => inner.Abort();

    public override ValueTask DisposeAsync()
    {
        Disposed = true;
        return inner.DisposeAsync();
    }
}
