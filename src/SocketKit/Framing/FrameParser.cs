using System.Diagnostics.CodeAnalysis;

namespace SocketKit.Framing;

/// <summary>
/// Asks a framer for the frame at the start of some input, and holds it to its contract, so that one of a user's cannot harm a connection.
/// The same for connections and for <see cref="FramerCheck"/>. A struct: every connection has one. Used by one thread at a time.
/// </summary>
internal struct FrameParser
{
    private long _resume;
    private long _needed;
    private long _discarded;

    /// <summary>What <see cref="Read"/> came to.</summary>
    public enum Step
    {
        /// <summary>More bytes are needed first.</summary>
        More,

        /// <summary>The frame's bytes belong to no message. The caller consumes them, and says so by <see cref="Discard"/>.</summary>
        Discarded,

        /// <summary>A message. The caller consumes the frame's bytes.</summary>
        Message,
    }

    /// <summary>The framer's note for the frame at the start of the input; 0: none.</summary>
    public readonly long Resume => _resume;

    /// <summary>The last bytes that were consumed belong to no message.</summary>
    public readonly bool IsDiscarding => _discarded > 0;

    /// <summary>The framer may be asked: it has not been told of all these bytes, and has as many as it asked for.</summary>
    /// <param name="length">Bytes received and not consumed.</param>
    public readonly bool MayRead(int length) => length > 0 && length >= _needed;

    /// <summary>
    /// Asks the framer. It sees no more than the longest frame, however much has come: what it says, and when a frame is too long, does
    /// not depend on how the network cut the bytes.
    /// </summary>
    /// <param name="framer">The framer.</param>
    /// <param name="input">Bytes received and not consumed, as many as <see cref="MayRead"/> wants.</param>
    /// <param name="maxFrameLength">The longest frame.</param>
    /// <param name="frame">What it said.</param>
    /// <exception cref="FrameTooLargeException">The frame is longer than that.</exception>
    /// <exception cref="FramerContractException">The framer broke its contract.</exception>
    public Step Read(IFramer framer, Span<byte> input, int maxFrameLength, out Frame frame)
    {
        if (input.Length > maxFrameLength)
        {
            input = input[..maxFrameLength];
        }

        frame = framer.Read(input, _resume);
        switch (frame.Kind)
        {
            case FrameKind.NeedMore:
                if (input.Length >= maxFrameLength)
                {
                    ThrowTooLarge(maxFrameLength + 1L, maxFrameLength);
                }

                _resume = frame.Value;
                _needed = input.Length + 1L;
                return Step.More;

            case FrameKind.NeedTotal:
                if (frame.Value > maxFrameLength)
                {
                    ThrowTooLarge(frame.Value, maxFrameLength);
                }

                if (frame.Value <= input.Length)
                {
                    ThrowWrong(frame, $"asks for no more than the {input.Length} bytes it was given");
                }

                _needed = frame.Value;
                return Step.More;

            default:
                if (frame.Consumed < 1 || frame.Consumed > input.Length)
                {
                    ThrowWrong(frame, $"must take 1 to {input.Length} bytes");
                }

                _resume = _needed = 0;
                if (frame.Kind == FrameKind.Discard)
                {
                    return Step.Discarded;
                }

                _discarded = 0;
                return Step.Message;
        }
    }

    /// <summary>
    /// Counts bytes that belong to no message. Bytes and not pieces: into how many pieces the same noise falls is the network's affair.
    /// </summary>
    /// <exception cref="FramingException">There are too many in a row.</exception>
    public void Discard(long count)
    {
        _discarded += count;
        DiscardLimit.Check(_discarded);
    }

    [DoesNotReturn]
    private static void ThrowTooLarge(long length, int maximum) => throw new FrameTooLargeException(length, maximum);

    [DoesNotReturn]
    private static void ThrowWrong(in Frame frame, string what) => throw new FramerContractException($"Read returned {frame}, which {what}");
}

/// <summary>A framer does what <see cref="IFramer"/> forbids.</summary>
internal sealed class FramerContractException(string message) : InvalidOperationException(message);
