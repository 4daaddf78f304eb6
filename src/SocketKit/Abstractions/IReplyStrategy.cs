namespace SocketKit;

/// <summary>
/// Decides what to answer to a message. One instance serves all connections, so it is thread-safe. Used by
/// <see cref="Handlers.Reply(IReplyStrategy[])"/>.
/// </summary>
/// <remarks>Made to be implemented by you. A member that a minor version adds has a default implementation.</remarks>
public interface IReplyStrategy
{
    /// <summary>Says what to answer.</summary>
    /// <param name="connection">Where the message came from. To give several replies, send the first ones and return the last.
    /// What takes long stops at its <see cref="IConnection.ClosedToken"/>, which is canceled when the connection is closed.</param>
    /// <param name="message">The payload, valid until the returned task completes and its reply is sent.</param>
    /// <returns><see cref="Reply.Pass"/> to let the next strategy answer, <see cref="Reply.None"/> to stay silent, or the reply. Text and
    /// bytes convert by themselves.</returns>
    ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message);
}
