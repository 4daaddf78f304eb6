namespace SocketKit;

/// <summary>
/// The shipped rules: <c>1</c> is answered by <c>你猜!</c>, <c>2</c> by <c>谢谢!</c>, <c>3</c> by <c>对不起!</c>, <c>4</c> by <c>好的!</c>; anything
/// else by the same bytes, or, with probability one half, by <c>不知道你在说什么!</c>. The exclamation mark is ASCII. Thread-safe.
/// </summary>
/// <remarks>
/// A message is compared exactly as it was received, byte for byte, in the connection's encoding. Nothing is trimmed: where a message ends
/// is for the framer to say, and <c>" 1"</c> is another text than <c>"1"</c>. So with a framer that leaves line ends in the message,
/// <c>"1\n"</c> is "anything else".
/// </remarks>
public sealed class GuessThanksSorryOkReplies : IReplyStrategy
{
    private readonly IReplyStrategy _rules;

    /// <summary>Makes the rules.</summary>
    /// <param name="random">Throws the coin; locked on every throw, as one instance serves all connections. Default:
    /// <see cref="Random.Shared"/>.</param>
    public GuessThanksSorryOkReplies(Random? random = null) => _rules = new ReplyRules(random)
        .When("1", "你猜!")
        .When("2", "谢谢!")
        .When("3", "对不起!")
        .When("4", "好的!")
        .Otherwise(Reply.Echo)
        .Otherwise("不知道你在说什么!")
        .Build();

    /// <inheritdoc/>
    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) =>
        _rules.ReplyAsync(connection, message);
}
