using System.Buffers;
using System.Text;
using SocketKit.Framing;

namespace SocketKit.Connections;

/// <summary>
/// Refuses options that are right one by one and cannot go together: with them no message could be read, or texts would be read wrongly.
/// </summary>
internal static class OptionsFit
{
    /// <exception cref="OptionsException">They do not go together; the message says what to type.</exception>
    public static void Check(IFramer framer, int maxFrameLength, Encoding encoding, string role)
    {
        if (framer is not IFramerFacts facts)
        {
            return;
        }

        if (facts.ShortestFrame > maxFrameLength)
        {
            throw new OptionsException(role + ".Framer", $"its shortest frame has {facts.ShortestFrame} bytes, but {role}.MaxFrameLength is {maxFrameLength}, so that no message would ever be taken; type MaxFrameLength = {facts.ShortestFrame}, or more");
        }

        foreach (var text in facts.Texts)
        {
            if (Problem(text, encoding) is { } problem)
            {
                throw new OptionsException(role + ".Framer", problem);
            }
        }
    }

    /// <exception cref="OptionsException">A text of the policy is other bytes in the encoding, or the framer cannot carry a beat; the
    /// message says what to type.</exception>
    public static void Check(IHeartbeatPolicy policy, IFramer framer, Encoding encoding, string role)
    {
        foreach (var (text, bytes) in Texts(policy))
        {
            if (!TextBytes.TryEncode(encoding, text, out var expected) || !expected.AsSpan().SequenceEqual(bytes.Span))
            {
                var type = policy.GetType().Name;
                throw new OptionsException(role + ".Heartbeat",
                    $"{type} sends \"{LogText.Escape(text)}\" in UTF-8, which is not how {encoding.WebName}, the TextEncoding, says it; give bytes, such as new {type}(encoding.GetBytes(\"...\"), ...)");
            }
        }

        CheckCarried(policy, framer, role);
    }

    private static void CheckCarried(IHeartbeatPolicy policy, IFramer framer, string role)
    {
        // Only what is known: a framer of the user's is not called before there is a connection, and a derived policy writes what it likes.
        if (framer is not IFramerFacts)
        {
            return;
        }

        foreach (var payload in Sent(policy))
        {
            try
            {
                framer.Write(payload.Span, new ArrayBufferWriter<byte>());
            }
            catch (FramingException exception)
            {
                throw new OptionsException(role + ".Heartbeat", $"{framer.GetType().Name} cannot carry a beat of {policy.GetType().Name}, which would close each connection; type another payload. {exception.Message}");
            }
        }
    }

    private static ReadOnlyMemory<byte>[] Sent(IHeartbeatPolicy policy) =>
        policy.GetType() == typeof(BeaconHeartbeat) && policy is BeaconHeartbeat beacon ? beacon.Interval == Timeout.InfiniteTimeSpan ? [] : [beacon.Payload]
        : policy.GetType() == typeof(PingPongHeartbeat) && policy is PingPongHeartbeat pair ? pair.Interval == Timeout.InfiniteTimeSpan ? [pair.Pong] : [pair.Ping, pair.Pong]
        : [];

    /// <summary>
    /// What stands in front of a text stream when its writer says how it is encoded; null: nothing can be told from a message.
    /// </summary>
    public static byte[]? ByteOrderMark(IFramer framer, Encoding encoding) =>
        framer is IFramerFacts { Texts.Count: > 0 } && TextBytes.TryEncode(encoding, "\uFEFF", out var mark) ? mark : null;

    private static (string Text, ReadOnlyMemory<byte> Bytes)[] Texts(IHeartbeatPolicy policy) => policy switch
    {
        BeaconHeartbeat { Text: { } text } beacon => [(text, beacon.Payload)],
        PingPongHeartbeat { Texts: var (ping, pong) } pair => [(ping, pair.Ping), (pong, pair.Pong)],
        _ => [],
    };

    private static string? Problem(FramerText text, Encoding encoding)
    {
        const string elsewhere = "type TextEncoding = Encoding.UTF8, or a framer that does not look for text, such as Framers.LengthPrefixed()";
        var name = $"its {text.What} \"{LogText.Escape(text.Text)}\"";
        if (!TextBytes.TryEncode(encoding, text.Text, out var bytes))
        {
            return $"{name} cannot be expressed in {encoding.WebName}, the TextEncoding; {elsewhere}";
        }

        if (TextBytes.CharacterAround(encoding, bytes[0]) is { } around)
        {
            return $"{name} begins with the byte {bytes[0]:X2} in {encoding.WebName}, the TextEncoding, and the same byte is inside of other characters, such as {around} (U+{(int)around:X4}), which would be cut in two; {elsewhere}";
        }

        return bytes.AsSpan().SequenceEqual(text.Bytes.Span)
            ? null
            : $"{name} stands for the bytes {Convert.ToHexString(text.Bytes.Span)} (hexadecimal), but for {Convert.ToHexString(bytes)} in {encoding.WebName}, the TextEncoding; "
                + (text.What == LinesFramer.LineEndName ? elsewhere : "give the encoding to the framer, too, such as Framers.Delimited(\";\", encoding)");
    }
}
