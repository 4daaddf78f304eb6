using Microsoft.Extensions.Logging;

namespace SocketKit.Diagnostics;

/// <summary>
/// Every log line of the library, with its event id; docs/metrics-and-logs.md lists them. An id never changes its meaning. A peer is given
/// as its escaped name and address. Lines that many peers can bring about get their level from a <see cref="FloodGate"/>.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {EndPoint} ({Protection})")]
    public static partial void Listening(ILogger logger, object endPoint, string protection);

    [LoggerMessage(EventId = 2, Message = "Accepting on {EndPoint} fails, trying again at growing intervals of up to 1 s")]
    public static partial void AcceptFailing(ILogger logger, LogLevel level, object endPoint, Exception exception);

    [LoggerMessage(EventId = 3, Message = "Accepting on {EndPoint} works again after {Failures} failures")]
    public static partial void AcceptRecovered(ILogger logger, LogLevel level, object endPoint, long failures);

    [LoggerMessage(EventId = 4, Message = "Refusing connections: {Limit} are connected (SocketServerOptions.MaxConnections)")]
    public static partial void Refusing(ILogger logger, LogLevel level, int limit);

    [LoggerMessage(EventId = 5, Message = "Accepting connections again after refusing {Count}")]
    public static partial void RefusedEnough(ILogger logger, LogLevel level, long count);

    [LoggerMessage(6, LogLevel.Information, "Stopping with {Count} connections")]
    public static partial void Stopping(ILogger logger, int count);

    [LoggerMessage(7, LogLevel.Warning, "Aborted {Count} connections that did not finish within {Waited}: {Connections}")]
    public static partial void AbortedAtStop(ILogger logger, int count, TimeSpan waited, string connections);

    [LoggerMessage(9, LogLevel.Warning, "The thread pool is starved: queued work waits for {Milliseconds} ms; its minimum of threads is raised to {Threads}. A handler that blocks its thread is the usual cause")]
    public static partial void PoolStarved(ILogger logger, long milliseconds, int threads);

    [LoggerMessage(15, LogLevel.Error, "The clock {Clock} failed: deadlines and heartbeats stand still until it works again")]
    public static partial void ClockFailed(ILogger logger, string clock, Exception exception);

    [LoggerMessage(16, LogLevel.Error, "The listener on {EndPoint} failed to stop; the server's stop goes on without it")]
    public static partial void ListenerFailed(ILogger logger, object endPoint, Exception exception);

    [LoggerMessage(17, LogLevel.Warning, "This program runs on .NET {Version}, which has known holes in what TLS rests on; {Minimum} or later closes them")]
    public static partial void RuntimeOld(ILogger logger, Version version, Version minimum);

    [LoggerMessage(20, LogLevel.Debug, "Connection {ConnectionId} to {Peer} is open")]
    public static partial void Opened(ILogger logger, long connectionId, object peer);

    [LoggerMessage(EventId = 21, Message = "Connection {ConnectionId} to {Peer} closed: {Reason}")]
    public static partial void Closed(ILogger logger, LogLevel level, long connectionId, object peer, string reason);

    [LoggerMessage(EventId = 22, Message = "Connection {ConnectionId} to {Peer}: {Handler} failed")]
    public static partial void HandlerFailed(ILogger logger, LogLevel level, long connectionId, object peer, string handler, Exception exception);

    [LoggerMessage(23, LogLevel.Debug, "Connection {ConnectionId} to {Peer}: the handler gave up because a connection is closed")]
    public static partial void HandlerGaveUp(ILogger logger, long connectionId, object peer, Exception exception);

    [LoggerMessage(EventId = 24, Message = "Connection {ConnectionId} to {Peer}: the framer {Framer} failed")]
    public static partial void FramerFailed(ILogger logger, LogLevel level, long connectionId, object peer, string framer, Exception exception);

    [LoggerMessage(EventId = 25, Message = "Connection {ConnectionId} to {Peer}: discarding bytes that belong to no message, {Count} at first")]
    public static partial void Discarded(ILogger logger, LogLevel level, long connectionId, object peer, long count);

    [LoggerMessage(26, LogLevel.Debug, "Connection {ConnectionId} to {Peer}: TrySend failed")]
    public static partial void TrySendFailed(ILogger logger, long connectionId, object peer, Exception exception);

    [LoggerMessage(27, LogLevel.Debug, "Connection {ConnectionId} to {Peer}: a late response is dropped (correlation id {CorrelationId})")]
    public static partial void LateResponse(ILogger logger, long connectionId, object peer, long? correlationId);

    [LoggerMessage(28, LogLevel.Debug, "Connection {ConnectionId} to {Peer}: closing the wire failed")]
    public static partial void FinishFailed(ILogger logger, long connectionId, object peer, Exception exception);

    [LoggerMessage(EventId = 29,
        Message = "Connection {ConnectionId} to {Peer}: {Handler} held its event loop for {Milliseconds} ms{SoFar}; "
        + "the loop went on with another thread, "
        + "and this connection is served beside it until it behaves. Await instead of blocking")]
    public static partial void HandlerBlocks(ILogger logger, LogLevel level, long connectionId, object peer, string handler,
        long milliseconds, string soFar);

    [LoggerMessage(EventId = 30, Message = "Connection {ConnectionId} to {Peer}: {Handler} blocks its thread, and no thread is left to take its event loop over: connections stand still. Await instead of blocking")]
    public static partial void NoThreadLeft(ILogger logger, LogLevel level, long connectionId, object peer, string handler);

    [LoggerMessage(EventId = 35, Message = "Connection {ConnectionId} to {Peer}: {What} holds the clock up; the clock goes on with another thread, and this connection has no heartbeat and no time-outs until the call returns. What the clock calls must not block")]
    public static partial void ClockHeldUp(ILogger logger, LogLevel level, long connectionId, object peer, string what);

    [LoggerMessage(39, LogLevel.Warning, "A test's clock stands still. {Text}")]
    public static partial void ClockStandsStill(ILogger logger, string text);

    [LoggerMessage(40, LogLevel.Information, "Connected to {Address} (connection {ConnectionId})")]
    public static partial void Connected(ILogger logger, string address, long connectionId);

    [LoggerMessage(41, LogLevel.Information, "No connection to {Address}: {Reason}; trying again in {Delay}")]
    public static partial void Waiting(ILogger logger, string address, string reason, TimeSpan delay);

    [LoggerMessage(42, LogLevel.Information, "Disconnected from {Address}: {Reason}")]
    public static partial void Disconnected(ILogger logger, string address, string reason);

    [LoggerMessage(43, LogLevel.Error, "A subscriber of StateChanged failed")]
    public static partial void SubscriberFailed(ILogger logger, Exception exception);

    [LoggerMessage(44, LogLevel.Warning, "Nobody reads the client's Messages; the oldest are dropped beyond {Messages} messages or {Bytes} bytes")]
    public static partial void MessagesDropped(ILogger logger, int messages, int bytes);

    [LoggerMessage(45, LogLevel.Error, "The reconnect policy {Policy} failed; reconnecting ends")]
    public static partial void PolicyFailed(ILogger logger, string policy, Exception exception);

    [LoggerMessage(50, LogLevel.Warning, "The certificate of {ServerName} is NOT validated (TlsDialOptions.DangerousAcceptAnyCertificate): anybody on the way can read and change everything. For development only")]
    public static partial void CertificateNotValidated(ILogger logger, string serverName);

    [LoggerMessage(51, LogLevel.Information, "The certificate {Certificate} is renewed: {Thumbprint}, valid until {NotAfter:u}")]
    public static partial void CertificateRenewed(ILogger logger, string certificate, string thumbprint, DateTimeOffset notAfter);

    [LoggerMessage(52, LogLevel.Error, "The certificate {Certificate} has changed and cannot be loaded; the one from before, valid until {NotAfter:u}, stays in use")]
    public static partial void CertificateBroken(ILogger logger, string certificate, DateTimeOffset notAfter, Exception exception);

    [LoggerMessage(53, LogLevel.Error, "The certificate {Certificate} expired at {NotAfter:u}: clients that validate it refuse it")]
    public static partial void CertificateExpired(ILogger logger, string certificate, DateTimeOffset notAfter);

    [LoggerMessage(54, LogLevel.Warning, "TLS handshakes wait: as many are under way as may be, {Limit} in all or a quarter of that from one address (TlsListenOptions.MaxHandshakes)")]
    public static partial void HandshakesWait(ILogger logger, int limit);

    [LoggerMessage(55, LogLevel.Warning, "TLS handshakes do not wait any more after {Count} did")]
    public static partial void HandshakesWaited(ILogger logger, long count);

    [LoggerMessage(56, LogLevel.Warning, "Other users can read or write the key in {File} ({How}). At a start, RefuseSharedKey refuses such a key")]
    public static partial void KeyShared(ILogger logger, string file, string how);

    [LoggerMessage(60, LogLevel.Information, "Removed the socket {Path}, which a dead process has left")]
    public static partial void SocketFileCleared(ILogger logger, string path);

    [LoggerMessage(61, LogLevel.Warning, "The socket {Path} cannot be removed")]
    public static partial void SocketFileKept(ILogger logger, string path, Exception exception);

    [LoggerMessage(62, LogLevel.Information, "{Path} is not removed: it is no longer the socket that was made here")]
    public static partial void SocketFileLeftAlone(ILogger logger, string path);

    [LoggerMessage(63, LogLevel.Warning, "The folder {Folder}: {Who} it, and so can put another socket in the place of this server's (UnixListenOptions.AllowSharedFolder)")]
    public static partial void SocketFolderShared(ILogger logger, string folder, string who);

    [LoggerMessage(70, LogLevel.Warning, "Many {What}: more of them are logged at Debug until no more than {Burst} come in {Window}")]
    public static partial void FloodBegan(ILogger logger, string what, int burst, TimeSpan window);

    [LoggerMessage(71, LogLevel.Warning, "{Count} {What} were logged at Debug only, in {Duration}; from now on they are logged as usual")]
    public static partial void FloodEnded(ILogger logger, long count, string what, TimeSpan duration);
}
