using System.Collections.Concurrent;
using System.Text;

namespace SocketKit.Replies;

/// <summary>One rule: a text, bytes, or a predicate of either, and who answers.</summary>
internal sealed class Rule
{
    public string? Text { get; init; }

    public byte[]? Bytes { get; init; }

    public Func<string, bool>? TextTest { get; init; }

    public Func<ReadOnlySpan<byte>, bool>? BytesTest { get; init; }

    public required IReplyStrategy Answer { get; init; }
}

/// <summary>One fallback; it is drawn by the numbers from the former one's end up to, not including, its own.</summary>
internal readonly record struct Fallback(int End, IReplyStrategy Answer);

/// <summary>
/// The rules that <see cref="ReplyRules"/> built. Asked for every message of every connection; immutable but for the tables of further
/// encodings.
/// </summary>
internal sealed class RuleSet : IReplyStrategy
{
    private readonly Rule[] _rules;
    private readonly Fallback[] _fallbacks;
    private readonly Random? _random;
    private readonly int[] _predicates;
    private readonly Keys _utf8;
    private readonly ConcurrentDictionary<Encoding, Keys> _otherEncodings = [];

    public RuleSet(Rule[] rules, Fallback[] fallbacks, Random? random)
    {
        _rules = rules;
        _fallbacks = fallbacks;
        _random = random;
        _predicates = [.. Enumerable.Range(0, rules.Length).Where(index => rules[index].TextTest is not null || rules[index].BytesTest is not null)];
        _utf8 = new Keys(Encoding.UTF8, rules);
    }

    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        string? text = null;
        for (var index = FindFirst(connection, message.Span, ref text); index >= 0; index = FindNext(index, connection, message.Span, ref text))
        {
            var answer = _rules[index].Answer.ReplyAsync(connection, message);
            if (!answer.IsCompletedSuccessfully)
            {
                return AwaitAsync(answer, index, text, connection, message);
            }

            var reply = answer.Result;
            if (reply.Kind != ReplyKind.Pass)
            {
                return new(reply);
            }
        }

        return FallBackAsync(connection, message);
    }

    private async ValueTask<Reply> AwaitAsync(
        ValueTask<Reply> answer, int index, string? text, IConnection connection, ReadOnlyMemory<byte> message)
    {
        while (true)
        {
            var reply = await answer.ConfigureAwait(false);
            if (reply.Kind != ReplyKind.Pass)
            {
                return reply;
            }

            index = FindNext(index, connection, message.Span, ref text);
            if (index < 0)
            {
                return await FallBackAsync(connection, message).ConfigureAwait(false);
            }

            answer = _rules[index].Answer.ReplyAsync(connection, message);
        }
    }

    private ValueTask<Reply> FallBackAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        if (_fallbacks.Length == 0)
        {
            return new(Reply.Pass);
        }

        var index = 0;
        if (_fallbacks.Length > 1)
        {
            var drawn = Draw(_fallbacks[^1].End);
            while (drawn >= _fallbacks[index].End)
            {
                index++;
            }
        }

        return _fallbacks[index].Answer.ReplyAsync(connection, message);
    }

    // A Random that is not locked and used by two threads gives zeros for ever. The lock is the Random itself, so that two strategies may
    // share one.
    private int Draw(int end)
    {
        if (_random is null)
        {
            return Random.Shared.Next(end);
        }

        lock (_random)
        {
            return _random.Next(end);
        }
    }

    // One look-up finds the text; only the predicates written before it have to be asked.
    private int FindFirst(IConnection connection, ReadOnlySpan<byte> message, ref string? text)
    {
        var exact = KeysFor(connection.TextEncoding).IndexOf(message);
        foreach (var index in _predicates)
        {
            if (exact >= 0 && index > exact)
            {
                break;
            }

            if (Holds(_rules[index], connection, message, ref text))
            {
                return index;
            }
        }

        return exact;
    }

    private int FindNext(int index, IConnection connection, ReadOnlySpan<byte> message, ref string? text)
    {
        var keys = KeysFor(connection.TextEncoding);
        while (++index < _rules.Length)
        {
            if (keys.IsAt(index, message) || Holds(_rules[index], connection, message, ref text))
            {
                return index;
            }
        }

        return -1;
    }

    private static bool Holds(Rule rule, IConnection connection, ReadOnlySpan<byte> message, ref string? text)
    {
        if (rule.TextTest is { } textTest)
        {
            return textTest(text ??= connection.TextEncoding.GetString(message));
        }

        return rule.BytesTest is { } bytesTest && bytesTest(message);
    }

    private Keys KeysFor(Encoding encoding) => encoding is UTF8Encoding
        ? _utf8
        : _otherEncodings.GetOrAdd(encoding, static (encoding, rules) => new Keys(encoding, rules), _rules);

    /// <summary>The fixed texts and bytes of the rules, as bytes of one encoding.</summary>
    private sealed class Keys
    {
        private readonly byte[]?[] _byRule;
        private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _first;
        private readonly int _longest = -1;

        public Keys(Encoding encoding, Rule[] rules)
        {
            var first = new Dictionary<byte[], int>(TextKey.Comparer.Instance);
            _byRule = new byte[rules.Length][];
            for (var index = 0; index < rules.Length; index++)
            {
                var key = rules[index].Bytes;
                if (rules[index].Text is { } text)
                {
                    _ = TextKey.TryEncode(encoding, text, out key);
                }

                if (key is not null)
                {
                    _byRule[index] = key;
                    _longest = Math.Max(_longest, key.Length);
                    first.TryAdd(key, index);
                }
            }

            _first = first.GetAlternateLookup<ReadOnlySpan<byte>>();
        }

        // Long messages are not hashed in vain.
        public int IndexOf(ReadOnlySpan<byte> message) => message.Length <= _longest && _first.TryGetValue(message, out var index) ? index : -1;

        public bool IsAt(int index, ReadOnlySpan<byte> message) => _byRule[index] is { } key && message.SequenceEqual(key);
    }
}
