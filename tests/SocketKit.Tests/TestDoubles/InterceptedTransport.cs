using System.Net;

namespace SocketKit.Tests.TestDoubles;

/// <summary>A wire whose verbs the test has a hand in.</summary>
internal sealed class InterceptedTransport(Transport inner) : Transport
{
    /// <summary>Called instead of the wire's receive, which it may call.</summary>
    public Func<Memory<byte>, ValueTask<ReceiveResult>>? OnReceive { get; set; }

    /// <summary>Called instead of the wire's send, which it may call.</summary>
    public Func<ReadOnlyMemory<byte>, ValueTask>? OnSend { get; set; }

    /// <summary>Called before the wire is released.</summary>
    public Action? OnDispose { get; set; }

    public override EndPoint? LocalEndPoint => inner.LocalEndPoint;

    public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    public override long BytesSent => inner.BytesSent;

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => OnReceive is { } receive ? receive(buffer) : inner.ReceiveAsync(buffer);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => OnSend is { } send ? send(batch) : inner.SendAsync(batch);

    public override ValueTask CompleteOutputAsync() => inner.CompleteOutputAsync();

    public override void Abort() => inner.Abort();

    public override ValueTask DisposeAsync()
    {
        OnDispose?.Invoke();
        return inner.DisposeAsync();
    }
}
