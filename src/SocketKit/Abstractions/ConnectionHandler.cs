namespace SocketKit;

/// <summary>
/// A session: what an application does with one connection. One call at a time, in order; different connections run in parallel.
/// A handler may block its thread; a handler that throws closes its own connection as <see cref="CloseKind.HandlerFailed"/>, and nothing
/// else notices.
/// </summary>
/// <remarks>Made for you to derive from. A member that a minor version adds is virtual, with a default that suits your class.</remarks>
public abstract class ConnectionHandler
{
    /// <summary>Called once, before any message. A request to the peer (a log-in, say) may be awaited here.</summary>
    public virtual ValueTask OnConnectedAsync(IConnection connection) => default;

    /// <summary>Called for every message that is neither a heartbeat nor a response to a request.</summary>
    /// <param name="connection">The connection that it came from.</param>
    /// <param name="message">The payload, valid until the returned task completes; what must live longer is copied
    /// (<see cref="Message.Copy(ReadOnlyMemory{byte}, System.Text.Encoding?)"/>).</param>
    public abstract ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message);

    /// <summary>
    /// Called when the peer has finished sending and its last message's call has completed: the place to send what sums up all of its
    /// input. Behind it the connection closes as <see cref="CloseKind.PeerClosed"/>. Not called after another cause of death, nor for a
    /// peer that ended inside a frame (<see cref="CloseKind.Truncated"/>). Requests are refused here: no response can come. Default:
    /// nothing.
    /// </summary>
    /// <param name="connection">The connection; sending still works.</param>
    public virtual ValueTask OnInputEndedAsync(IConnection connection) => default;

    /// <summary>Called exactly once if <see cref="OnConnectedAsync"/> was called, after the last message's call has completed.</summary>
    /// <param name="connection">The connection, which is closed now.</param>
    /// <param name="reason">Who ended it, why and in which phase.</param>
    public virtual ValueTask OnClosedAsync(IConnection connection, CloseReason reason) => default;
}
