using System.Net;
using System.Text;

namespace SocketKit;

/// <summary>Accepts connections and runs a handler for each. Thread-safe. Started and stopped once.</summary>
/// <remarks>
/// <see cref="SocketServer"/> is the library's. Implement it for test doubles and decorators. A minor version may add
/// members; they come with a default implementation where one is possible.
/// </remarks>
public interface ISocketServer : IAsyncDisposable
{
    /// <summary>Where the server is in its life.</summary>
    ServerState State { get; }

    /// <summary>
    /// Where the server listens, in the order of <see cref="SocketServerOptions.Listeners"/>, port 0 resolved. Empty before the start.
    /// </summary>
    IReadOnlyList<EndPoint> EndPoints { get; }

    /// <summary>The live connections.</summary>
    IConnectionTable Connections { get; }

    /// <summary>The encoding for text, from <see cref="ProtocolOptions.TextEncoding"/>.</summary>
    Encoding TextEncoding { get; }

    /// <summary>Takes the addresses and begins to accept. When one address fails, the others are given back.</summary>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <exception cref="ListenException">An address cannot be taken: it is in use, not this machine's, or not allowed.</exception>
    /// <exception cref="InvalidOperationException">The server was started before.</exception>
    /// <exception cref="ObjectDisposedException">The server was disposed.</exception>
    Task StartAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Stops in three stages: accepts no more; lets connections finish what is in flight, within
    /// <see cref="SocketServerOptions.DrainTimeout"/>; aborts the rest. Idempotent: a second call joins the first. Awaited in a handler, it
    /// does not wait for that handler. Before a start, and after the end, it does nothing.
    /// </summary>
    /// <param name="cancellationToken">Cancels the second stage, whichever call began it: the rest is aborted at once.</param>
    /// <exception cref="TimeoutException">Only in a test with virtual time: the stop waited for a connection, and the clock stood still for
    /// 5 s of real time. The server is stopped all the same.</exception>
    Task StopAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Starts if that was not done before, runs until Ctrl-C, SIGTERM, the token or <see cref="StopAsync"/>, then stops gracefully.
    /// </summary>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <exception cref="ListenException">An address cannot be taken: it is in use, not this machine's, or not allowed.</exception>
    /// <exception cref="ObjectDisposedException">The server was disposed before the call.</exception>
    Task RunAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Sends one message to many connections, framed once. The bytes are copied before this method returns, so the memory is the caller's
    /// again at once. Never throws for one recipient. A recipient that is full is waited for, at most 1 s and only once until it has caught
    /// up; beyond <see cref="ProtocolOptions.MaxQueuedBytes"/> it is closed as a slow consumer.
    /// </summary>
    /// <param name="message">The payload. Overloads for text and spans are extension methods
    /// (<see cref="SocketServerExtensions"/>).</param>
    /// <param name="to">The recipients; null: all.</param>
    /// <param name="cancellationToken">Abandons only the wait.</param>
    /// <returns>For how many recipients the message was queued.</returns>
    /// <exception cref="FramingException">The framer cannot write this message.</exception>
    /// <exception cref="InvalidOperationException">The server was never started.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled while a recipient was waited for; the message is sent all the
    /// same.</exception>
    ValueTask<int> BroadcastAsync(ReadOnlyMemory<byte> message, IEnumerable<IConnection>? to = null, CancellationToken cancellationToken = default);
}

/// <summary>Where a server is in its life. It only goes forward.</summary>
public enum ServerState
{
    /// <summary>Does not listen yet.</summary>
    NotStarted = 0,

    /// <summary>Accepts connections.</summary>
    Listening = 1,

    /// <summary>Accepts no more, and lets connections finish what is in flight.</summary>
    Draining = 2,

    /// <summary>Has stopped, its start has failed, or it was disposed before a start. The end: it does not start again.</summary>
    Stopped = 3,
}

/// <summary>The live connections of a server. Enumeration is a moment's view, safe while connections come and go.</summary>
/// <remarks>
/// The library makes it. Implement it for test doubles. A minor version may add members; they come with a default implementation where one
/// is possible.
/// </remarks>
public interface IConnectionTable : IReadOnlyCollection<IConnection>
{
    /// <summary>Finds a connection by its id.</summary>
    bool TryGet(long id, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IConnection? connection);

    /// <summary>Finds a connection by the name that <see cref="IConnection.SetNameAsync"/> gave it. Case-sensitive.</summary>
    bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IConnection? connection);
}
