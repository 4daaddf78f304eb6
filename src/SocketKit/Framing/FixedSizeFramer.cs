using System.Buffers;
using System.Diagnostics;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>Every message has the same number of bytes; nothing else is on the wire. Thread-safe and stateless.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class FixedSizeFramer : IFramer, IFramerFacts
{
    private readonly int _size;

    /// <summary>Makes a framer for messages of one size.</summary>
    /// <param name="size">The size of a message in bytes, at least 1. <see cref="ProtocolOptions.MaxFrameLength"/> must be as large, or the
    /// start is refused.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is below 1.</exception>
    public FixedSizeFramer(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        _size = size;
    }

    long IFramerFacts.ShortestFrame => _size;

    IReadOnlyList<FramerText> IFramerFacts.Texts => [];

    /// <summary>For people and debuggers: <c>FixedSizeFramer, 12 bytes</c>.</summary>
    public override string ToString() => $"FixedSizeFramer, {SocketKitText.Count(_size, "byte")}";

    /// <inheritdoc/>
    public Frame Read(Span<byte> input, long resume) => input.Length < _size ? Frame.NeedTotal(_size) : Frame.Message(0, _size);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (message.Length > _size)
        {
            throw new FrameTooLargeException(message.Length, _size);
        }

        if (message.Length < _size)
        {
            throw new FramingException($"A message must have exactly {FrameOutput.Bytes(_size)}, not {message.Length}");
        }

        message.CopyTo(FrameOutput.Reserve(output, _size));
        output.Advance(_size);
    }

    /// <inheritdoc/>
    public string DescribeIncomplete(ReadOnlySpan<byte> input) => $"{input.Length} of the {FrameOutput.Bytes(_size)} of a message";
}
