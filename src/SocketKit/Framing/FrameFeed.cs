using System.Diagnostics;

namespace SocketKit.Framing;

/// <summary>
/// Drives a framer's Read as a connection does, without a connection: gives the note of NeedMore back, keeps quiet until NeedTotal is met, and holds the framer to its contract. Collects the messages.
/// For checks and tests.
/// </summary>
internal sealed class FrameFeed(IFramer framer, int maxFrameLength = int.MaxValue)
{
    private byte[] _buffer = [];
    private byte[] _pristine = [];
    private int _count;
    private long _resume;
    private long _needed = 1;
    private long _discardedInARow;

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
        while (_count - start >= _needed)
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
        // As a connection does: how much has come behind the longest frame is not the framer's affair.
        length = Math.Min(length, maxFrameLength);
        var input = _buffer.AsSpan(start, length);
        Reads++;
        Examined += length - Math.Clamp(_resume, 0, length);
        var frame = framer.Read(input, _resume);
        var untouched = frame.Kind == FrameKind.Message ? (int)Math.Min(frame.Consumed, length) : 0;
        Require(input[untouched..].SequenceEqual(_pristine.AsSpan(start + untouched, length - untouched)), frame, "changed bytes that belong to no returned frame");

        _needed = 1;
        _resume = 0;
        switch (frame.Kind)
        {
            case FrameKind.NeedMore:
                Limit(length + 1L);
                _resume = frame.Value;
                return 0;

            case FrameKind.NeedTotal:
                Require(frame.Value > length, frame, $"asks for no more than the {length} bytes it was given");
                Limit(frame.Value);
                _needed = frame.Value;
                return 0;

            case FrameKind.Discard:
                Require(frame.Consumed <= length, frame, $"takes more than the {length} bytes it was given");
                Discarded += frame.Consumed;
                _discardedInARow += frame.Consumed;
                DiscardLimit.Check(_discardedInARow);
                return (int)frame.Consumed;

            case FrameKind.Message:
                Require(frame.Consumed >= 1 && frame.Consumed <= length, frame, $"must take 1 to {length} bytes");
                _discardedInARow = 0;
                Messages.Add(input.Slice(frame.HeaderLength, frame.Length).ToArray());
                return (int)frame.Consumed;

            default:
                throw new UnreachableException();
        }
    }

    private void Limit(long needed)
    {
        if (needed > maxFrameLength)
        {
            throw new FrameTooLargeException(needed, maxFrameLength);
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

/// <summary>A framer does what <see cref="IFramer"/> forbids.</summary>
internal sealed class FramerContractException(string message) : Exception(message);
