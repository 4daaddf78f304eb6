namespace SocketKit.Framing;

/// <summary>How many bytes in a row may belong to no message.</summary>
internal static class DiscardLimit
{
    internal const int Bytes = 64 * 1024;

    /// <exception cref="FramingException">There are more.</exception>
    internal static void Check(long discardedInARow)
    {
        if (discardedInARow > Bytes)
        {
            throw new FramingException($"More than {Bytes} bytes in a row were discarded without a message");
        }
    }
}
