using System.Buffers;

namespace SocketKit.Framing;

/// <summary>What the framers share.</summary>
internal static class FrameOutput
{
    /// <summary>
    /// One contiguous piece for a whole frame. Nothing counts as written before the caller advances, so a writer that throws leaves nothing
    /// behind.
    /// </summary>
    internal static Span<byte> Reserve(IBufferWriter<byte> output, long length)
    {
        if (length > Array.MaxLength)
        {
            throw new FrameTooLargeException(length, Array.MaxLength);
        }

        // A hint of 0 means "any size, but not empty".
        return output.GetSpan((int)length)[..(int)length];
    }

    /// <summary>
    /// A frame whose end was not found within the maximum. How much more of it is there depends on the network, so it is not said.
    /// </summary>
    internal static FrameTooLargeException LongerThan(int maximum) => new(maximum + 1L, maximum);

    /// <summary>A number of bytes, for people.</summary>
    internal static string Bytes(long count) => count == 1 ? "1 byte" : $"{count} bytes";
}
