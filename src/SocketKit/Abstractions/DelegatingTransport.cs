using System.Net;
using System.Net.Sockets;

namespace SocketKit;

/// <summary>
/// A base for decorators of a transport: it forwards everything to an inner one. Override what the decorator changes, and nothing else
/// is lost: the engine's notices, progress of slow readers and the checks of a silent peer pass through.
/// </summary>
/// <remarks>
/// Threads and order of calls are those of <see cref="Transport"/>. A decorator that changes the bytes overrides
/// <see cref="BytesSent"/> too, which counts what the caller has handed over; <see cref="SendProgress"/>, <see cref="BytesReceived"/> and
/// <see cref="BytesUnread"/> stay the inner transport's. One that changes what is sent and may stand over a transport that preserves
/// message boundaries overrides both sends: there a connection sends by the second alone. Whatever overrides <see cref="Find{T}"/> asks
/// the base for what it does not have itself. A decorator whose <see cref="ReceiveAsync"/> is an asynchronous method
/// overrides <see cref="CompletesInDefaultContext"/> with false.
/// <para>Made for you to derive from. A member that a minor version adds to <see cref="Transport"/> is forwarded here.</para>
/// </remarks>
public abstract class DelegatingTransport : Transport
{
    /// <summary>Makes one over another.</summary>
    /// <param name="inner">The transport that it forwards to, and owns from now on.</param>
    protected DelegatingTransport(Transport inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
    }

    /// <summary>The transport that everything is forwarded to.</summary>
    protected Transport Inner { get; }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint => Inner.LocalEndPoint;

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint => Inner.RemoteEndPoint;

    /// <inheritdoc/>
    public override bool PreservesMessageBoundaries => Inner.PreservesMessageBoundaries;

    /// <inheritdoc/>
    public override bool CompletesInDefaultContext => Inner.CompletesInDefaultContext;

    /// <inheritdoc/>
    public override long BytesSent => Inner.BytesSent;

    /// <inheritdoc/>
    public override long SendProgress => Inner.SendProgress;

    /// <inheritdoc/>
    public override long BytesReceived => Inner.BytesReceived;

    /// <inheritdoc/>
    public override long BytesUnread => Inner.BytesUnread;

    /// <inheritdoc/>
    public override CancellationToken HungUp => Inner.HungUp;

    /// <inheritdoc/>
    public override T? Find<T>()
        where T : class => Inner.Find<T>();

    /// <inheritdoc/>
    public override bool Observe(ITransportObserver observer) => Inner.Observe(observer);

    /// <inheritdoc/>
    public override void CheckPeer() => Inner.CheckPeer();

    /// <inheritdoc/>
    public override Socket? CreateSocketView() => Inner.CreateSocketView();

    /// <inheritdoc/>
    public override ValueTask OpenAsync(CancellationToken cancellationToken) => Inner.OpenAsync(cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => Inner.ReceiveAsync(buffer);

    /// <inheritdoc/>
    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => Inner.SendAsync(batch);

    /// <inheritdoc/>
    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch, ReadOnlyMemory<int> messageEnds) => Inner.SendAsync(batch, messageEnds);

    /// <inheritdoc/>
    public override ValueTask CompleteOutputAsync() => Inner.CompleteOutputAsync();

    /// <inheritdoc/>
    public override ValueTask YieldAsync() => Inner.YieldAsync();

    /// <inheritdoc/>
    public override void Abort() => Inner.Abort();

    /// <inheritdoc/>
    public override string ToString() => Inner.ToString();

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Inner.DisposeAsync();
    }
}
