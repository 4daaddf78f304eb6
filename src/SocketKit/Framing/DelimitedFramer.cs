using System.Buffers;
using System.Diagnostics;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>
/// Messages that end in a delimiter, one of several if you like; two delimiters in a row hold an empty message between them. For lines of
/// text <see cref="LinesFramer"/> is the stricter choice. Thread-safe and stateless.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class DelimitedFramer : IFramer, IFramerFacts
{
    private readonly SequenceSearch _delimiters;
    private readonly byte[] _written;
    private readonly bool _keep;
    private readonly int _maxLength;
    private readonly FramerText[] _texts = [];
    private readonly int _shortest;

    /// <summary>Makes a framer for one delimiter, which is cut off.</summary>
    /// <param name="delimiter">The delimiter, 1 to 256 bytes.</param>
    /// <exception cref="ArgumentException">The delimiter is empty or too long.</exception>
    public DelimitedFramer(ReadOnlySpan<byte> delimiter)
    {
        _written = delimiter.ToArray();
        _delimiters = new SequenceSearch(_written);
        _maxLength = int.MaxValue;
        _shortest = _written.Length;
    }

    /// <summary>Makes a framer from options, which are copied.</summary>
    /// <param name="options">The options.</param>
    /// <exception cref="OptionsException">An option is out of its range; the message says what to type.</exception>
    public DelimitedFramer(DelimitedOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxLength < 1)
        {
            throw new OptionsException("DelimitedOptions.MaxLength", $"{options.MaxLength} is below 1; leave it unset for no limit but ConnectionOptions.MaxFrameLength");
        }

        var delimiters = options.Delimiters.Select(delimiter => delimiter.ToArray()).ToArray();
        try
        {
            _delimiters = new SequenceSearch(delimiters);
        }
        catch (ArgumentException e)
        {
            throw new OptionsException("DelimitedOptions.Delimiters", e.Message);
        }

        _keep = options.KeepDelimiter;
        _written = _keep ? [] : delimiters[0];
        _maxLength = options.MaxLength;
        _shortest = delimiters.Min(delimiter => delimiter.Length);

        // Those that are still what the text says; others were put in as bytes.
        _texts = [.. options.Texts.Where(text => delimiters.Any(delimiter => text.Bytes.Span.SequenceEqual(delimiter)))];
    }

    long IFramerFacts.ShortestFrame => _shortest;

    IReadOnlyList<FramerText> IFramerFacts.Texts => _texts;

    /// <summary>For people and debuggers: <c>DelimitedFramer, ";;" or 00, at most 512 bytes</c>.</summary>
    public override string ToString() => $"DelimitedFramer, {_delimiters}{(_keep ? ", kept" : "")}{SocketKitText.AtMost(_maxLength)}";

    /// <inheritdoc/>
    public Frame Read(Span<byte> input, long resume)
    {
        var which = _delimiters.Find(input, (int)resume, out var position);
        if (position > _maxLength)
        {
            throw FrameOutput.LongerThan(_maxLength);
        }

        if (which < 0)
        {
            return Frame.NeedMore(position);
        }

        var delimiter = _delimiters.LengthOf(which);
        return _keep ? Frame.Message(0, position + delimiter) : Frame.Message(0, position, delimiter);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var frame = FrameOutput.Reserve(output, (long)message.Length + _written.Length);
        message.CopyTo(frame);
        _written.CopyTo(frame[message.Length..]);

        // The search runs over the frame, not the message: a message's tail and the delimiter may form a delimiter earlier ("a;" + ";;").
        var which = _delimiters.Find(frame, 0, out var position);
        if (position > _maxLength)
        {
            throw new FrameTooLargeException(position, _maxLength);
        }

        if (which < 0)
        {
            throw new FramingException("A message must end in its delimiter when KeepDelimiter is set");
        }

        if (position + _delimiters.LengthOf(which) != frame.Length || (!_keep && position != message.Length))
        {
            throw new FramingException($"The message holds a delimiter at byte {position}, so the other end would read it as two");
        }

        output.Advance(frame.Length);
    }

    /// <inheritdoc/>
    public string DescribeIncomplete(ReadOnlySpan<byte> input) => $"{FrameOutput.Bytes(input.Length)} without a delimiter";
}
