using SocketKit.Framing;

namespace SocketKit.Connections;

/// <summary>
/// What was received and not yet consumed, and the frames in it: the buffer, the framer behind its guards, and a byte order mark that may
/// stand in front. Used by the receive loop alone.
/// </summary>
/// <param name="settings">The framer and its limits.</param>
/// <param name="preservesBoundaries">Each frame is a message of the transport.</param>
/// <param name="poisons">Released buffers are overwritten first.</param>
internal struct MessageReader(ConnectionSettings settings, bool preservesBoundaries, bool poisons)
{
    private readonly ConnectionSettings _settings = settings;
    private ReceiveBuffer _buffer = new(poisons, settings.MaxFrameLength);
    private FrameParser _parser;
    private bool _mayBeMarked = settings.ByteOrderMark is not null;

    /// <summary>The last receive filled the buffer, so there is more: to wait for it would only cost a system call.</summary>
    public bool IsFilled { get; private set; }

    /// <summary>Bytes that are there.</summary>
    public readonly int Length => _buffer.Length;

    /// <summary>An array is rented. An old value to others than the receive loop.</summary>
    public readonly bool HoldsArray => _buffer.HoldsArray;

    /// <summary>The last bytes that were consumed belong to no message.</summary>
    public readonly bool IsDiscarding => _parser.IsDiscarding;

    /// <summary>No frame is begun and not finished.</summary>
    public readonly bool IsWhole => Length == 0 || (_settings.Framer is IFramerFacts facts && facts.IsBetweenFrames(_buffer.Span));

    /// <summary>The framer may be asked: there is something that it has not seen.</summary>
    public readonly bool MayRead => _parser.MayRead(_buffer.Length);

    /// <summary>Where the next bytes go: never empty.</summary>
    public Memory<byte> GetFree() => _buffer.GetFree();

    /// <summary>So many bytes were received into it.</summary>
    public void Advance(int count) => IsFilled = _buffer.Advance(count);

    /// <summary>Nothing is wanted of what is there.</summary>
    public void Clear() => _buffer.Clear();

    /// <summary>Gives the array back; nothing may be there.</summary>
    public void Release() => _buffer.Release();

    /// <summary>Gives the array away to somebody who still reads a slice of it. It goes back by <see cref="Return"/>.</summary>
    public byte[] Detach() => _buffer.Detach();

    /// <summary>Takes back an array that was given away, or that a message of the mailbox was in.</summary>
    public readonly void Return(byte[] array) => _buffer.Return(array);

    /// <summary>Looks for a byte order mark in front of the first message.</summary>
    /// <param name="skipped">How long it was; it is consumed.</param>
    /// <returns>False: more bytes must tell.</returns>
    public bool TrySkipByteOrderMark(out int skipped)
    {
        skipped = 0;
        if (!_mayBeMarked)
        {
            return true;
        }

        ReadOnlySpan<byte> mark = _settings.ByteOrderMark;
        var input = _buffer.Span;
        if (input.Length < mark.Length && mark.StartsWith(input))
        {
            return false;
        }

        _mayBeMarked = false;
        if (input.StartsWith(mark))
        {
            skipped = mark.Length;
            _buffer.Consume(skipped);
        }

        return true;
    }

    /// <summary>Asks the framer. The frame is not consumed yet.</summary>
    /// <exception cref="FramingException">It is too long, or not the protocol's.</exception>
    public FrameParser.Step Read(out Frame frame)
    {
        if (preservesBoundaries)
        {
            // A message of the transport comes whole, so it is refused whole.
            CheckLength();
        }

        return _parser.Read(_settings.Framer, _buffer.Span, _settings.MaxFrameLength, out frame);
    }

    /// <summary>A message of the transport that has not ended is longer than a frame may be.</summary>
    /// <exception cref="FrameTooLargeException">It is.</exception>
    public readonly void CheckLength()
    {
        if (_buffer.Length > _settings.MaxFrameLength)
        {
            throw new FrameTooLargeException(_settings.MaxFrameLength + 1L, _settings.MaxFrameLength);
        }
    }

    /// <summary>A frame's message, valid until the buffer is released.</summary>
    public readonly ReadOnlyMemory<byte> MessageOf(in Frame frame) => _buffer.Memory.Slice(frame.HeaderLength, frame.Length);

    /// <summary>The same as a span.</summary>
    public readonly ReadOnlySpan<byte> SpanOf(in Frame frame) => _buffer.Span.Slice(frame.HeaderLength, frame.Length);

    public void Consume(in Frame frame) => _buffer.Consume((int)frame.Consumed);

    /// <summary>Counts bytes that were consumed and belong to no message.</summary>
    /// <exception cref="FramingException">There are too many in a row.</exception>
    public void CountDiscarded(long count) => _parser.Discard(count);

    /// <summary>What is missing of the frame that is begun, in the framer's words.</summary>
    public readonly string DescribeIncomplete() => _settings.Framer.DescribeIncomplete(_buffer.Span);
}
