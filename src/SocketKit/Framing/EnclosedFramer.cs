using System.Buffers;
using System.Diagnostics;
using System.Text;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>
/// Messages between a begin mark and an end mark, such as STX and ETX; the marks are not part of the message. Made for serial lines behind
/// a gateway, where noise and cut-off frames happen. Thread-safe and stateless.
/// </summary>
/// <remarks>
/// <para>Bytes outside of marks belong to no message: they are discarded, counted and logged, and too many of them in a row end the
/// connection (see <see cref="IFramer"/>). A begin mark inside a frame means that the frame before it was cut off: its bytes are discarded
/// too, and the new frame counts.</para>
/// <para>When begin and end mark are the same, as in HDLC, PPP (RFC 1662) and JT/T 808, each mark ends what stands before it and begins
/// what stands behind it: one mark between two frames is enough, and a mark directly behind a mark begins anew. So a stray or lost mark
/// costs no more than the frame it falls into. In return no message is empty, and bytes that stand between two frames, or before the first
/// mark, are a message too: the protocol's checksum tells them from one.</para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class EnclosedFramer : IFramer, IFramerFacts
{
    // The end mark is number 0 in the search inside a frame, the begin mark number 1.
    private const int EndMark = 0;

    private readonly byte[] _begin;
    private readonly byte[] _end;
    private readonly SequenceSearch _between;
    private readonly SequenceSearch _inside;
    private readonly bool _shared;
    private readonly int _maxLength;
    private readonly FramerText[] _texts = [];

    /// <summary>Makes a framer for two marks.</summary>
    /// <param name="begin">The begin mark, 1 to 256 bytes.</param>
    /// <param name="end">The end mark, 1 to 256 bytes. It may be the same as the begin mark; else neither may hold the other except at its
    /// end.</param>
    /// <param name="maxLength">The longest message in bytes, the marks not counted. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentException">A mark is empty or too long, or one holds the other.</exception>
    public EnclosedFramer(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, int maxLength = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        _begin = begin.ToArray();
        _end = end.ToArray();
        _between = new SequenceSearch(_begin);
        _shared = begin.SequenceEqual(end);
        _inside = _shared ? _between : new SequenceSearch(_end, _begin);
        _maxLength = maxLength;
    }

    internal EnclosedFramer(string begin, string end, Encoding encoding, int maxLength)
        : this(TextBytes.Encode(encoding, begin), TextBytes.Encode(encoding, end), maxLength) => _texts = [new("begin mark", begin, _begin), new("end mark", end, _end)];

    long IFramerFacts.ShortestFrame => (_shared ? 1L : 0L) + _begin.Length + _end.Length;

    IReadOnlyList<FramerText> IFramerFacts.Texts => _texts;

    /// <remarks>A mark that ends a frame may stand twice, and on a line that is idle stands again and again.</remarks>
    bool IFramerFacts.IsBetweenFrames(ReadOnlySpan<byte> input) => _shared && input.SequenceEqual(_begin);

    /// <summary>For people and debuggers: <c>EnclosedFramer, 02 to 03, at most 512 bytes</c>.</summary>
    public override string ToString() =>
        $"EnclosedFramer, {SocketKitText.Bytes(_begin)} to {SocketKitText.Bytes(_end)}{SocketKitText.AtMost(_maxLength)}";

    /// <inheritdoc/>
    public Frame Read(Span<byte> input, long resume)
    {
        if (_shared)
        {
            return ReadShared(input, resume);
        }

        // A note other than 0 says that the begin mark is there and how far the search for the end has come.
        if (resume == 0)
        {
            if (!input.StartsWith(_begin))
            {
                return Between(input);
            }

            resume = _begin.Length;
        }

        var which = _inside.Find(input, (int)resume, out var position);
        CheckLength(position - _begin.Length);
        return which switch
        {
            EndMark => Frame.Message(_begin.Length, position - _begin.Length, _end.Length),
            > EndMark => Frame.Discard(position),
            _ => Frame.NeedMore(position),
        };
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (message.Length > _maxLength)
        {
            throw new FrameTooLargeException(message.Length, _maxLength);
        }

        if (_shared && message.IsEmpty)
        {
            throw new FramingException("An empty message cannot stand between two equal marks: the other end takes the second one for a new begin");
        }

        var frame = FrameOutput.Reserve(output, (long)_begin.Length + message.Length + _end.Length);
        _begin.CopyTo(frame);
        message.CopyTo(frame[_begin.Length..]);
        _end.CopyTo(frame[(_begin.Length + message.Length)..]);

        // Over the whole frame, since a message's tail and the end mark may form a mark earlier.
        var which = _inside.Find(frame, _begin.Length, out var position);
        if (which != EndMark || position != _begin.Length + message.Length)
        {
            throw new FramingException($"The message holds a mark at byte {position - _begin.Length}, so the other end would not read it back whole");
        }

        output.Advance(frame.Length);
    }

    /// <inheritdoc/>
    public string DescribeIncomplete(ReadOnlySpan<byte> input) =>
        input.StartsWith(_begin) ? $"{FrameOutput.Bytes(input.Length - _begin.Length)} after a begin mark without an end mark"
        : _begin.AsSpan().StartsWith(input) ? $"{FrameOutput.Bytes(input.Length)} of a begin mark that is not whole"
        : $"{FrameOutput.Bytes(input.Length)} without an end mark";

    /// <summary>
    /// Each mark is an end and a begin, and nothing stands between two marks in a row. A note above 0 says that a mark is in front, one
    /// below 0 that none is: the mark that ended the last frame began this one.
    /// </summary>
    private Frame ReadShared(ReadOnlySpan<byte> input, long resume)
    {
        var header = 0;
        if (resume > 0 || (resume == 0 && input.StartsWith(_begin)))
        {
            header = _begin.Length;
            resume = Math.Max(resume, header);
        }
        else if (resume < 0)
        {
            resume = ~resume;
        }
        else if (_begin.AsSpan().StartsWith(input))
        {
            return Frame.NeedMore();
        }

        var found = _between.Find(input, (int)resume, out var position) >= 0;
        CheckLength(position - header);
        if (!found)
        {
            return Frame.NeedMore(header > 0 ? position : ~(long)position);
        }

        if (position > header)
        {
            return Frame.Message(header, position - header, _end.Length);
        }

        // Marks in a row: the last of them is a begin.
        while (input[(position + header)..].StartsWith(_begin))
        {
            position += header;
        }

        return Frame.Discard(position);
    }

    private void CheckLength(int length)
    {
        if (length > _maxLength)
        {
            throw FrameOutput.LongerThan(_maxLength);
        }
    }

    private Frame Between(ReadOnlySpan<byte> input)
    {
        if (_between.Find(input, 0, out var position) < 0)
        {
            // The last bytes may be the begin mark's first ones.
            while (!_begin.AsSpan().StartsWith(input[position..]))
            {
                position++;
            }
        }

        return position == 0 ? Frame.NeedMore() : Frame.Discard(position);
    }
}
