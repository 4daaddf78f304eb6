using System.Buffers;
using System.Diagnostics;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>
/// No framing: whatever has arrived is a message. On a transport that preserves message boundaries that is exactly one message of the
/// peer's. On a stream (TCP, TLS) it is any number of bytes: one send may arrive in pieces, and several sends as one. Thread-safe and
/// stateless.
/// </summary>
/// <remarks>
/// An empty message has no bytes, so on a stream nothing of it arrives. Where message boundaries are preserved it is delivered.
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class RawFramer : IFramer
{
    private readonly int _maxLength;

    /// <summary>Makes a raw framer.</summary>
    /// <param name="maxLength">The longest message in bytes, for a transport that preserves message boundaries. Leave it unset on a
    /// stream, where how many bytes arrive at once means nothing. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxLength"/> is below 1.</exception>
    public RawFramer(int maxLength = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        _maxLength = maxLength;
    }

    /// <inheritdoc/>
    public bool TakesEmptyMessages => true;

    /// <summary>For people and debuggers: <c>RawFramer, at most 512 bytes</c>.</summary>
    public override string ToString() => $"RawFramer{SocketKitText.AtMost(_maxLength)}";

    /// <inheritdoc/>
    public Frame Read(Span<byte> input, long resume) =>
        input.Length > _maxLength ? throw new FrameTooLargeException(input.Length, _maxLength) : Frame.Message(0, input.Length);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (message.Length > _maxLength)
        {
            throw new FrameTooLargeException(message.Length, _maxLength);
        }

        message.CopyTo(FrameOutput.Reserve(output, message.Length));
        output.Advance(message.Length);
    }
}
