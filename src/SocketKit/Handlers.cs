namespace SocketKit;

/// <summary>
/// Makes handlers out of functions and strategies, ready for <see cref="ProtocolOptions.HandlerFactory"/>. For a session with state of its
/// own (a device, a player), derive from <see cref="ConnectionHandler"/> instead. Functions serve all connections, several at once, so they
/// are thread-safe; what one throws closes its connection as <see cref="CloseKind.HandlerFailed"/>.
/// </summary>
public static class Handlers
{
    /// <summary>Calls a function for every message.</summary>
    /// <param name="onMessage">Gets the connection and the bytes, valid until its task completes. One call at a time per connection. A
    /// function that does not wait returns <c>default</c>.</param>
    public static Func<IConnection, ConnectionHandler> OnMessage(Func<IConnection, ReadOnlyMemory<byte>, ValueTask> onMessage)
    {
        ArgumentNullException.ThrowIfNull(onMessage);
        return Share(new MessageHandler(onMessage));
    }

    /// <summary>Calls a function for every message, as text.</summary>
    /// <param name="onText">Gets the connection and the text in the connection's encoding; bytes that are not valid in it become U+FFFD.
    /// One call at a time per connection. A function that does not wait returns
    /// <c>default</c>.</param>
    public static Func<IConnection, ConnectionHandler> OnText(Func<IConnection, string, ValueTask> onText)
    {
        ArgumentNullException.ThrowIfNull(onText);
        return Share(new TextHandler(onText));
    }

    /// <summary>Answers every message by the first strategy that does not pass. When all pass, nothing is sent.</summary>
    /// <param name="firstThatAnswers">The strategies, asked in this order.</param>
    /// <exception cref="ArgumentException">There is no strategy, or one is null.</exception>
    public static Func<IConnection, ConnectionHandler> Reply(params IReplyStrategy[] firstThatAnswers)
    {
        ArgumentNullException.ThrowIfNull(firstThatAnswers);
        if (firstThatAnswers.Length == 0 || firstThatAnswers.Contains(null))
        {
            throw new ArgumentException("At least one strategy is needed, and none may be null: Handlers.Reply(new GuessThanksSorryOkReplies()).", nameof(firstThatAnswers));
        }

        return Share(new ReplyHandler([.. firstThatAnswers]));
    }

    /// <summary>
    /// Answers every message by a function of its text: <c>Handlers.Reply(text => "you said " + text)</c>. See
    /// <see cref="ReplyStrategy.From(Func{string, Reply})"/>.
    /// </summary>
    public static Func<IConnection, ConnectionHandler> Reply(Func<string, Reply> reply) => Reply(ReplyStrategy.From(reply));

    /// <summary>
    /// Runs one function per connection, which reads the messages in a loop: <c>Handlers.Loop(async (connection, messages) => { await
    /// foreach (var message in messages) { ... } })</c>. The local variables of the function are the session's state.
    /// </summary>
    /// <remarks>
    /// The function starts when the connection is open. A message is valid until the loop asks for the next one (or the function ends). The
    /// loop ends when the connection is closed; what stands behind it may still clean up. A function that returns earlier closes the
    /// connection gracefully; a function that throws closes it as <see cref="CloseKind.HandlerFailed"/>. A loop may be left by <c>break</c>
    /// and a second one begun (a log-in first, say), but there is one reader at a time. A token given by <c>WithCancellation</c> ends only
    /// the wait for a message: none is lost.
    /// </remarks>
    /// <param name="loop">The function.</param>
    public static Func<IConnection, ConnectionHandler> Loop(Func<IConnection, IAsyncEnumerable<ReadOnlyMemory<byte>>, ValueTask> loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return _ => new LoopHandler(loop);
    }

    private static Func<IConnection, ConnectionHandler> Share(ConnectionHandler handler) => _ => handler;
}
