namespace SocketKit.Framing;

/// <summary>
/// Drives a framer's Read as a connection does, without a connection, and sees that it changes no bytes but those of a message. Collects
/// the messages. For checks and tests.
/// </summary>
internal sealed class FrameFeed(IFramer framer, int maxFrameLength = int.MaxValue)
{
    private byte[] _buffer = [];
    private byte[] _pristine = [];
    private int _count;
    private FrameParser _parser;

    /// <summary>The messages so far, copied.</summary>
    internal List<byte[]> Messages { get; } = [];

    /// <summary>How many bytes were discarded so far.</summary>
    internal long Discarded { get; private set; }

    /// <summary>How often Read was called.</summary>
    internal long Reads { get; private set; }

    /// <summary>How many bytes the calls of Read had to look at in all: those behind the note.</summary>
    internal long Examined { get; private set; }

    /// <summary>How many bytes wait for the rest of their frame.</summary>
    internal int Waiting => _count;

    /// <summary>What is missing, or null when nothing waits.</summary>
    internal string? DescribeIncomplete()
    {
        var input = _buffer.AsSpan(0, _count);
        if (input.IsEmpty || (framer is IFramerFacts facts && facts.IsBetweenFrames(input)))
        {
            return null;
        }

        var text = framer.DescribeIncomplete(input);
        return string.IsNullOrWhiteSpace(text) ? throw new FramerContractException("DescribeIncomplete said nothing") : text;
    }

    /// <summary>Bytes have come.</summary>
    /// <exception cref="FramingException">Thrown by the framer, or the frame is longer than allowed.</exception>
    /// <exception cref="FramerContractException">The framer broke its contract.</exception>
    internal void Feed(ReadOnlySpan<byte> bytes)
    {
        if (_count + bytes.Length > _buffer.Length)
        {
            var size = Math.Max(_count + bytes.Length, 2 * _count);
            Array.Resize(ref _buffer, size);
            Array.Resize(ref _pristine, size);
        }

        bytes.CopyTo(_buffer.AsSpan(_count));
        bytes.CopyTo(_pristine.AsSpan(_count));
        _count += bytes.Length;

        var start = 0;
        while (_parser.MayRead(_count - start))
        {
            var consumed = ReadOne(start, _count - start);
            if (consumed == 0)
            {
                break;
            }

            start += consumed;
        }

        _count -= start;
        Buffer.BlockCopy(_buffer, start, _buffer, 0, _count);
        Buffer.BlockCopy(_pristine, start, _pristine, 0, _count);
    }

    /// <returns>How many bytes were consumed; 0: more are needed.</returns>
    private int ReadOne(int start, int length)
    {
        var input = _buffer.AsSpan(start, length);
        var seen = Math.Min(length, maxFrameLength);
        Reads++;
        Examined += seen - Math.Clamp(_parser.Resume, 0, seen);
        var step = _parser.Read(framer, input, maxFrameLength, out var frame);
        var untouched = step == FrameParser.Step.Message ? (int)frame.Consumed : 0;
        Require(input[untouched..].SequenceEqual(_pristine.AsSpan(start + untouched, length - untouched)), frame, "changed bytes that belong to no returned frame");
        switch (step)
        {
            case FrameParser.Step.More:
                return 0;

            case FrameParser.Step.Discarded:
                Discarded += frame.Consumed;
                _parser.Discard(frame.Consumed);
                return (int)frame.Consumed;

            default:
                Messages.Add(input.Slice(frame.HeaderLength, frame.Length).ToArray());
                return (int)frame.Consumed;
        }
    }

    private static void Require(bool holds, Frame frame, string what)
    {
        if (!holds)
        {
            throw new FramerContractException($"Read returned {frame}, which {what}");
        }
    }
}
