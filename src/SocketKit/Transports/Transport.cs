using System.Net;
using System.Net.Sockets;
using SocketKit.Transports;

namespace SocketKit;

/// <summary>
/// The wire of one connection: moves bytes and knows nothing of frames, heartbeats, handlers or time.
/// Derive from it to carry SocketKit over something new; the contract suite of the test project says what must hold.
/// </summary>
/// <remarks>
/// At most one <see cref="ReceiveAsync"/> and one <see cref="SendAsync"/> are outstanding at a time; the two may overlap.
/// <see cref="Abort"/> may be called at any time from any thread. <see cref="IAsyncDisposable.DisposeAsync"/> is called once, when both verbs are at rest.
/// A receive never completes on the stack of somebody's send.
/// </remarks>
public abstract class Transport : IAsyncDisposable
{
    /// <summary>The local end, or null when the wire has none.</summary>
    public abstract EndPoint? LocalEndPoint { get; }

    /// <summary>The remote end, or null when the wire has none.</summary>
    public abstract EndPoint? RemoteEndPoint { get; }

    /// <summary>What the TLS handshake came to, told also after the end. Default: null, the wire is not TLS (or not open yet).</summary>
    public virtual TlsInfo? Tls => null;

    /// <summary>True when one receive is one message and one send is one message (datagrams, WebSocket). Default: false, a stream of bytes.</summary>
    public virtual bool KeepsMessages => false;

    /// <summary>True when buffers that the connection gives back shall be overwritten first, so that a slice kept too long shows. Default: false.</summary>
    internal virtual bool PoisonsReleasedBuffers => false;

    /// <summary>Where a handler that awaits comes back to. Default: null, wherever its await completes.</summary>
    internal virtual SynchronizationContext? HandlerSynchronization => null;

    /// <summary>Whoever completes a receive of this wire runs in the default execution context, and wants nothing of its own back. Default: false, it may be anybody.</summary>
    internal virtual bool CompletesInDefaultContext => false;

    /// <summary>Bytes that the wire has taken from sends so far; grows while a send is still outstanding, so that a slow peer is told from a dead one.</summary>
    public abstract long BytesSent { get; }

    /// <summary>Grows whenever the peer takes bytes while a send is outstanding; says nothing else. Finer than <see cref="BytesSent"/> where the wire can tell, and dearer, so for a clock's ticks.</summary>
    internal virtual long SendProgress => BytesSent;

    /// <summary>Bytes have arrived that no receive has fetched yet, so the peer is alive however long nothing was received: the threads that should have are busy. For a clock's last look at a silent peer. Default: false, the wire cannot tell.</summary>
    internal virtual bool HasUnread => false;

    /// <summary>Bytes that the lowest wire has received so far; a decorator forwards it. Default: negative, it does not count.</summary>
    internal virtual long BytesReceived => -1;

    /// <summary>Bytes that have arrived at the lowest wire and that no receive has fetched yet; a decorator forwards it. Costs a system call. Default: negative, it cannot tell.</summary>
    internal virtual long BytesUnread => -1;

    /// <summary>The wire tells its <see cref="Observer"/> of the peer's end, now or when <see cref="CheckPeer"/> asks. Default: false; then <see cref="HungUp"/> is all that tells of it.</summary>
    internal virtual bool TellsOfPeer => false;

    /// <summary>Looks whether the peer has finished or is gone while nobody receives, and tells the <see cref="Observer"/>. For a clock's ticks, on any thread; harmless beside a receive.
    /// Default: nothing, the engine tells by itself, or the wire cannot know.</summary>
    internal virtual void CheckPeer()
    {
    }

    /// <summary>A socket of the caller's own over this wire's connection, to read and set options by; not for sending and receiving, nor
    /// for non-blocking mode. Disposing of it does nothing to the connection. The caller does so when it needs
    /// the view no more, on Windows before the wire is aborted or released; a view that is kept longer keeps its descriptor (never that of
    /// another connection), and its calls fail or tell nothing. Default: null, the wire has no socket.</summary>
    /// <exception cref="SocketException">The wire is aborted or released.</exception>
    public virtual Socket? CreateSocketView() => null;

    /// <summary>Learns what engine and wire notice beside the verbs: a peer that has finished or is gone while nobody receives, and handlers that block the engine. Set before the first verb. Default: ignored, nothing is noticed.</summary>
    internal virtual IEngineObserver? Observer
    {
        set
        {
        }
    }

    /// <summary>Does what must precede the first byte of the protocol (TLS handshake, PROXY header, upgrade). Runs under the open deadline. Default: nothing.</summary>
    /// <param name="cancellationToken">Cancelled at the open deadline or when the connection is aborted.</param>
    public virtual ValueTask OpenAsync(CancellationToken cancellationToken) => default;

    /// <summary>Receives what has arrived, waiting for at least one byte.</summary>
    /// <param name="buffer">Where to put the bytes. An empty buffer waits until something can be received, consumes nothing and returns (0, false), which means nothing:
    /// it is a hint, and the next receive may still wait.</param>
    /// <returns>The number of bytes; 0 without <see cref="Received.EndOfMessage"/> for a non-empty buffer: the peer finished.</returns>
    /// <exception cref="System.IO.IOException">The wire failed, or <see cref="Abort"/> was called. (A <see cref="SocketException"/> is as good.)</exception>
    /// <exception cref="System.IO.EndOfStreamException">The stream ended in a way that may have cut it off: the connection closes as <see cref="CloseKind.Truncated"/>, after what had arrived is handled.</exception>
    public abstract ValueTask<Received> ReceiveAsync(Memory<byte> buffer);

    /// <summary>Sends all of the bytes. With <see cref="KeepsMessages"/> they are exactly one message.</summary>
    /// <param name="batch">The bytes; they stay untouched until the send completes.</param>
    /// <exception cref="System.IO.IOException">The wire failed, or <see cref="Abort"/> was called. (A <see cref="SocketException"/> is as good.)</exception>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> batch);

    /// <summary>Half-close: tells the peer that nothing more comes from this end. Receiving goes on. Not called while a send is outstanding. Default: nothing.</summary>
    public virtual ValueTask FinishAsync() => default;

    /// <summary>Lets others have a turn: completes later, from the engine's own queue. May be called from any thread, several times at once, and also after <see cref="Abort"/> and after the release. Default: the thread pool's.</summary>
    public virtual ValueTask YieldAsync() => ThreadPoolYield.WaitAsync();

    /// <summary>Cancelled when the wire reports a reset or hang-up although nobody receives. Default: never.</summary>
    public virtual CancellationToken HungUp => default;

    /// <summary>Ends the connection at once: both verbs complete promptly, with an exception or the end of the stream. Idempotent, never throws, from any thread.</summary>
    public abstract void Abort();

    /// <summary>Releases the wire's resources. Called once, after both verbs are at rest.</summary>
    public abstract ValueTask DisposeAsync();
}
