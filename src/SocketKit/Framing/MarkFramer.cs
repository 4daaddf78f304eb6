using System.Buffers;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>
/// Messages between a begin mark and an end mark, such as STX and ETX; the marks are not part of the message. Made for serial lines behind a gateway, where noise and cut-off frames happen.
/// Thread-safe and stateless.
/// </summary>
/// <remarks>
/// Bytes outside of marks belong to no message: they are discarded, counted and logged, and too many of them in a row end the connection (see <see cref="IFramer"/>). A begin mark inside a frame
/// means that the frame before it was cut off: its bytes are discarded too, and the new frame counts. When begin and end mark are the same, the second one is the end.
/// </remarks>
public sealed class MarkFramer : IFramer
{
    // The end mark is number 0 in the search inside a frame, the begin mark number 1.
    private const int EndMark = 0;

    private readonly byte[] _begin;
    private readonly byte[] _end;
    private readonly SequenceSearch _between;
    private readonly SequenceSearch _inside;
    private readonly int _maxLength;

    /// <summary>Makes a framer for two marks.</summary>
    /// <param name="begin">The begin mark, 1 to 256 bytes.</param>
    /// <param name="end">The end mark, 1 to 256 bytes. It may be the same as the begin mark; else neither may hold the other except at its end.</param>
    /// <param name="maxLength">The longest message in bytes, the marks not counted. Default: no limit but <see cref="ConnectionOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentException">A mark is empty or too long, or one holds the other.</exception>
    public MarkFramer(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, int maxLength = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        _begin = begin.ToArray();
        _end = end.ToArray();
        _between = new SequenceSearch(_begin);
        _inside = begin.SequenceEqual(end) ? _between : new SequenceSearch(_end, _begin);
        _maxLength = maxLength;
    }

    /// <inheritdoc/>
    public Frame Read(Span<byte> input, long resume)
    {
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
        var length = position - _begin.Length;
        if (length > _maxLength)
        {
            throw new FrameTooLargeException(length, _maxLength);
        }

        return which switch
        {
            EndMark => Frame.Message(_begin.Length, length, _end.Length),
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
    public string DescribeIncomplete(ReadOnlySpan<byte> input) => input.StartsWith(_begin)
        ? $"{FrameOutput.Bytes(input.Length - _begin.Length)} after a begin mark without an end mark"
        : $"{FrameOutput.Bytes(input.Length)} of a begin mark that is not whole";

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
