using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SocketKit;

/// <summary>
/// Moves the bytes of one connection and knows nothing of frames, heartbeats, handlers or time.
/// Derive from it to carry SocketKit over something new, or from <see cref="DelegatingTransport"/> to change one that exists. The
/// contract suite of the test project says what must hold.
/// </summary>
/// <remarks>
/// At most one <see cref="ReceiveAsync"/> and one send are outstanding at a time; the two may overlap.
/// <see cref="Abort"/> may be called at any time from any thread. <see cref="IAsyncDisposable.DisposeAsync"/> is called once, when neither
/// is outstanding. A receive never completes on the stack of somebody's send.
/// <para>Made for you to derive from. A member that a minor version adds is virtual, with a default that suits your class.</para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public abstract class Transport : IAsyncDisposable
{
    /// <summary>The local end, or null if the transport has no address.</summary>
    public abstract EndPoint? LocalEndPoint { get; }

    /// <summary>The remote end, or null if the transport has no address.</summary>
    public abstract EndPoint? RemoteEndPoint { get; }

    /// <summary>
    /// True if one receive is at most one message, and one send is one message (datagrams, WebSocket). Read once, after
    /// <see cref="OpenAsync"/>. Default: false, a stream of bytes.
    /// </summary>
    public virtual bool PreservesMessageBoundaries => false;

    /// <summary>
    /// True if every receive that does not complete synchronously completes in the default <see cref="ExecutionContext"/>, so that the
    /// connection need not restore it. Read once, at the first wait. Default: false. A decorator whose <see cref="ReceiveAsync"/> is an
    /// asynchronous method returns false.
    /// </summary>
    public virtual bool CompletesInDefaultContext => false;

    /// <summary>
    /// Bytes that the transport has taken from sends so far. It grows while a send is still outstanding, so that a slow peer is told from a
    /// dead one.
    /// </summary>
    public abstract long BytesSent { get; }

    /// <summary>
    /// Grows whenever the peer takes bytes while a send is outstanding, and has no other meaning. Finer than <see cref="BytesSent"/>
    /// where the transport can tell, and may cost a system call: it is read by a clock, on any thread. Default: <see cref="BytesSent"/>.
    /// </summary>
    public virtual long SendProgress => BytesSent;

    /// <summary>Bytes that the lowest transport has received so far. Read on any thread. Default: negative, it does not count.</summary>
    public virtual long BytesReceived => -1;

    /// <summary>
    /// Bytes that have arrived at the lowest transport and that no receive has fetched yet. A decorator that holds bytes back adds them. It
    /// may cost a system call, and is read on any thread. A peer whose bytes are here is alive, however long nothing was received. Default:
    /// negative, the transport cannot tell.
    /// </summary>
    public virtual long BytesUnread => -1;

    /// <summary>
    /// Canceled when the transport notices a reset or the end of the peer although no receive is outstanding, if it can notice it.
    /// Default: never.
    /// </summary>
    public virtual CancellationToken HungUp => default;

    /// <summary>
    /// Gives what only some transports have: <see cref="TlsInfo"/> after a TLS handshake (also after the end), or an object of a
    /// decorator's own. The same as <see cref="IConnection.Find{T}"/>. From any thread. Default: null.
    /// </summary>
    /// <typeparam name="T">What to find.</typeparam>
    /// <returns>Null: the transport has none, or none yet.</returns>
    public virtual T? Find<T>()
        where T : class => null;

    /// <summary>
    /// Takes the one who is told of what the transport notices beside its operations. Called once, before <see cref="OpenAsync"/>.
    /// Default: ignored, and false.
    /// </summary>
    /// <param name="observer">Who is told.</param>
    /// <returns>
    /// True: the observer is told of the peer's end, at once or when <see cref="CheckPeer"/> asks. False: <see cref="HungUp"/> is all
    /// that tells of it.
    /// </returns>
    public virtual bool Observe(ITransportObserver observer) => false;

    /// <summary>
    /// Looks whether the peer has finished or is gone while no receive is outstanding, and tells the observer. Called by a clock, on any
    /// thread, also beside a receive. Default: nothing, the engine tells by itself, or the transport cannot know.
    /// </summary>
    public virtual void CheckPeer()
    {
    }

    /// <summary>
    /// A socket of the caller's own over this transport's connection, to read and set options by; not for sending and receiving, nor for
    /// non-blocking mode. Disposing of it does nothing to the connection. The caller does so when it needs the view no more, on Windows
    /// before the transport is aborted or released; a view that is kept longer keeps its descriptor (never that of another connection), and
    /// its calls fail or tell nothing. Default: null, the transport has no socket.
    /// </summary>
    /// <exception cref="SocketException">The transport is aborted or released.</exception>
    public virtual Socket? CreateSocketView() => null;

    /// <summary>
    /// Does what must precede the first byte of the protocol (TLS handshake, PROXY header, upgrade). Runs under the open deadline. Default:
    /// nothing.
    /// </summary>
    /// <param name="cancellationToken">Canceled at the open deadline or when the connection is aborted.</param>
    public virtual ValueTask OpenAsync(CancellationToken cancellationToken) => default;

    /// <summary>
    /// Receives what has arrived, waiting for at least one byte (or, if message boundaries are preserved, for a message, which may be
    /// empty).
    /// </summary>
    /// <param name="buffer">Where to put the bytes. An empty buffer waits until something can be received, consumes nothing and returns the
    /// default result, which means nothing: it is a hint, and the next receive may still wait.</param>
    /// <returns>The number of bytes. 0 without <see cref="ReceiveResult.EndOfMessage"/> for a non-empty buffer: the peer
    /// finished.</returns>
    /// <exception cref="System.IO.IOException">The transport failed, or <see cref="Abort"/> was called. (A <see cref="SocketException"/> is
    /// as good.)</exception>
    /// <exception cref="System.IO.EndOfStreamException">The stream ended in a way that may have cut it off: the connection closes as
    /// <see cref="CloseKind.Truncated"/>, after what had arrived is handled.</exception>
    public abstract ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer);

    /// <summary>Sends all of the bytes. If message boundaries are preserved they are exactly one message, which may be empty.</summary>
    /// <param name="batch">The bytes; they stay untouched until the send completes.</param>
    /// <exception cref="System.IO.IOException">The transport failed, or <see cref="Abort"/> was called. (A <see cref="SocketException"/> is
    /// as good.)</exception>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> batch);

    /// <summary>
    /// Sends messages, in order, on a transport that preserves message boundaries. A connection on such a transport sends by this method
    /// alone, also a single message; on a stream of bytes it never calls it. A transport that can hand several messages to the system at
    /// once overrides it. Default: one <see cref="SendAsync(ReadOnlyMemory{byte})"/> for each.
    /// </summary>
    /// <param name="batch">The bytes of all messages; they stay untouched until the send completes.</param>
    /// <param name="messageEnds">
    /// Where each message ends in the batch, ascending, at least one; the last is the batch's length. Two equal ends stand for an empty
    /// message. They stay untouched until the send completes.
    /// </param>
    /// <exception cref="System.IO.IOException">As for one message; those before it may have gone out.</exception>
    public virtual ValueTask SendAsync(ReadOnlyMemory<byte> batch, ReadOnlyMemory<int> messageEnds) =>
        messageEnds.Length == 1 ? SendAsync(batch) : SendEachAsync(batch, messageEnds);

    /// <summary>
    /// Half-close: tells the peer that nothing more comes from this end. Receiving goes on. Not called while a send is outstanding.
    /// Default: nothing.
    /// </summary>
    public virtual ValueTask CompleteOutputAsync() => default;

    /// <summary>
    /// Lets others have a turn: completes later, from the engine's own queue. May be called from any thread, several times at once, and
    /// also after <see cref="Abort"/> and after the release. Default: the thread pool's.
    /// </summary>
    public virtual ValueTask YieldAsync() => ThreadPoolYield.WaitAsync();

    /// <summary>
    /// Ends the connection at once: outstanding operations complete promptly, with an exception or the end of the stream. Idempotent, never
    /// throws, from any thread.
    /// </summary>
    public abstract void Abort();

    /// <summary>
    /// Releases the transport's resources. Called once, when neither a receive nor a send is outstanding. An <see cref="OpenAsync"/> that
    /// heeds neither its token nor <see cref="Abort"/> may still be.
    /// </summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>For people and logs: the type's name and both ends, what a peer may have chosen escaped. Never throws.</summary>
    public override string ToString()
    {
        try
        {
            return $"{GetType().Name} from {LogText.NameOf(LocalEndPoint)} to {LogText.NameOf(RemoteEndPoint)}";
        }
#pragma warning disable CA1031 // A transport of somebody else's, which may be released.
        catch (Exception)
#pragma warning restore CA1031
        {
            return GetType().Name;
        }
    }

    private async ValueTask SendEachAsync(ReadOnlyMemory<byte> batch, ReadOnlyMemory<int> messageEnds)
    {
        var start = 0;
        for (var i = 0; i < messageEnds.Length; i++)
        {
            var end = messageEnds.Span[i];
            await SendAsync(batch[start..end]).ConfigureAwait(false);
            start = end;
        }
    }
}
