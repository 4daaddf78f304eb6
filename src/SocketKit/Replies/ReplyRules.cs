using System.Diagnostics;
using System.Text;
using SocketKit.Replies;

namespace SocketKit;

/// <summary>
/// Builds a strategy out of rules: <c>new ReplyRules().When("ping", "pong").Otherwise("what?").Build()</c>. The first rule that fits and
/// does not pass answers; if there is none, one of the fallbacks, drawn by weight; without fallbacks the rules pass.
/// </summary>
/// <remarks>
/// The builder is not thread-safe; what <see cref="Build"/> gives is immutable and thread-safe. A text is compared byte for byte with what
/// the connection's encoding makes of it (ordinal; nothing is trimmed; a text that the encoding cannot express fits no message), in
/// constant time however many texts there are, and without allocating. A predicate of the text decodes the message, once for all of them.
/// Functions and predicates are called from several threads at once; what they throw closes the connection as
/// <see cref="CloseKind.HandlerFailed"/>.
/// </remarks>
[DebuggerDisplay("Rules = {_rules.Count}, fallbacks = {_fallbacks.Count}")]
public sealed class ReplyRules
{
    private readonly List<Rule> _rules = [];
    private readonly List<Fallback> _fallbacks = [];
    private readonly Random? _random;

    /// <summary>Begins with no rule.</summary>
    /// <param name="random">Draws among several fallbacks; it is locked on every draw, as one instance serves all connections. Default:
    /// <see cref="Random.Shared"/>.</param>
    public ReplyRules(Random? random = null) => _random = random;

    /// <summary>Answers exactly this text.</summary>
    /// <param name="text">The text; may be empty (an empty message).</param>
    /// <param name="reply">The reply: text, bytes, <see cref="Reply.Echo"/> or <see cref="Reply.None"/>. Bytes are copied.</param>
    /// <exception cref="ArgumentException">The text is not valid Unicode, or has a rule already, or the reply is
    /// <see cref="Reply.Pass"/>.</exception>
    public ReplyRules When(string text, Reply reply) => When(text, Fixed(reply));

    /// <summary>
    /// Answers exactly this text by a function of it. When the function gives <see cref="Reply.Pass"/>, the rules after this one are asked.
    /// </summary>
    /// <exception cref="ArgumentException">The text is not valid Unicode, or has a rule already.</exception>
    public ReplyRules When(string text, Func<string, Reply> reply) => When(text, ReplyStrategy.From(reply));

    /// <summary>Gives exactly this text to another strategy. When it passes, the rules after this one are asked.</summary>
    /// <exception cref="ArgumentException">The text is not valid Unicode, or has a rule already.</exception>
    public ReplyRules When(string text, IReplyStrategy reply)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!TextKey.TryEncode(Encoding.UTF8, text, out _))
        {
            throw new ArgumentException("The text holds half of a surrogate pair, which no message can.", nameof(text));
        }

        if (_rules.Exists(rule => rule.Text == text))
        {
            throw new ArgumentException($"There is a rule for \"{text}\" already; only the first one would ever answer.", nameof(text));
        }

        return Add(new Rule { Text = text, Answer = reply });
    }

    /// <summary>Answers the texts for which the predicate holds.</summary>
    /// <exception cref="ArgumentException">The reply is <see cref="Reply.Pass"/>.</exception>
    public ReplyRules When(Func<string, bool> predicate, Reply reply) => When(predicate, Fixed(reply));

    /// <summary>
    /// Answers the texts for which the predicate holds by a function. When the function gives <see cref="Reply.Pass"/>, the rules after
    /// this one are asked.
    /// </summary>
    public ReplyRules When(Func<string, bool> predicate, Func<string, Reply> reply) => When(predicate, ReplyStrategy.From(reply));

    /// <summary>
    /// Gives the texts for which the predicate holds to another strategy. When it passes, the rules after this one are asked.
    /// </summary>
    public ReplyRules When(Func<string, bool> predicate, IReplyStrategy reply)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return Add(new Rule { TextTest = predicate, Answer = reply });
    }

    /// <summary>Answers exactly these bytes.</summary>
    /// <param name="message">The bytes; copied.</param>
    /// <param name="reply">The reply: text, bytes, <see cref="Reply.Echo"/> or <see cref="Reply.None"/>. Bytes are copied.</param>
    /// <exception cref="ArgumentException">The reply is <see cref="Reply.Pass"/>.</exception>
    public ReplyRules WhenBytes(ReadOnlySpan<byte> message, Reply reply) => WhenBytes(message, Fixed(reply));

    /// <summary>Gives exactly these bytes to another strategy. When it passes, the rules after this one are asked.</summary>
    public ReplyRules WhenBytes(ReadOnlySpan<byte> message, IReplyStrategy reply) => Add(new Rule { Bytes = message.ToArray(), Answer = reply });

    /// <summary>Answers the messages for whose bytes the predicate holds.</summary>
    /// <exception cref="ArgumentException">The reply is <see cref="Reply.Pass"/>.</exception>
    public ReplyRules WhenBytes(Func<ReadOnlySpan<byte>, bool> predicate, Reply reply) => WhenBytes(predicate, Fixed(reply));

    /// <summary>
    /// Gives the messages for whose bytes the predicate holds to another strategy. When it passes, the rules after this one are asked.
    /// </summary>
    public ReplyRules WhenBytes(Func<ReadOnlySpan<byte>, bool> predicate, IReplyStrategy reply)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return Add(new Rule { BytesTest = predicate, Answer = reply });
    }

    /// <summary>Adds a fallback for what no rule answered. Of several, one is drawn for each message.</summary>
    /// <param name="reply">The reply; <see cref="Reply.Pass"/> leaves the message to the next strategy.</param>
    /// <param name="weight">How often it is drawn, relative to the others: of the weights 3 and 1, the first is drawn three times out of
    /// four. Default: 1. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The weight is below 1, or all weights together exceed
    /// <see cref="int.MaxValue"/>.</exception>
    public ReplyRules Otherwise(Reply reply, int weight = 1) => Otherwise(new FixedReply(reply), weight);

    /// <summary>Adds a function as a fallback. See <see cref="Otherwise(Reply, int)"/>.</summary>
    public ReplyRules Otherwise(Func<string, Reply> reply, int weight = 1) => Otherwise(ReplyStrategy.From(reply), weight);

    /// <summary>Adds another strategy as a fallback. See <see cref="Otherwise(Reply, int)"/>.</summary>
    public ReplyRules Otherwise(IReplyStrategy reply, int weight = 1)
    {
        ArgumentNullException.ThrowIfNull(reply);
        ArgumentOutOfRangeException.ThrowIfLessThan(weight, 1);
        var before = _fallbacks.Count == 0 ? 0 : _fallbacks[^1].End;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(weight, int.MaxValue - before);
        _fallbacks.Add(new(before + weight, reply));
        return this;
    }

    /// <summary>Makes the strategy. What is added to the builder afterwards does not change it.</summary>
    /// <exception cref="InvalidOperationException">There is neither a rule nor a fallback.</exception>
    public IReplyStrategy Build() => _rules.Count == 0 && _fallbacks.Count == 0
        ? throw new InvalidOperationException("There is no rule; add one with When or Otherwise.")
        : new RuleSet([.. _rules], [.. _fallbacks], _random);

    private static FixedReply Fixed(Reply reply) => reply.Kind == ReplyKind.Pass
        ? throw new ArgumentException("A rule that passes does nothing; leave it out, or say Reply.None to stay silent.", nameof(reply))
        : new FixedReply(reply);

    private ReplyRules Add(Rule rule)
    {
        ArgumentNullException.ThrowIfNull(rule.Answer, "reply");
        _rules.Add(rule);
        return this;
    }
}
