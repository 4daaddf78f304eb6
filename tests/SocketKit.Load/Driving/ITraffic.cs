namespace SocketKit.Load.Driving;

/// <summary>What is sent, and what must come back. Not thread-safe.</summary>
internal interface ITraffic
{
    /// <summary>Bytes that a message takes on the wire.</summary>
    int FrameLength { get; }

    /// <summary>How many messages are written at once, at most.</summary>
    int Slots { get; }

    /// <summary>Some messages of a link in a row, as they are sent; valid until the next call.</summary>
    ReadOnlySpan<byte> Write(int link, long first, int count);

    /// <summary>
    /// Holds what a link received against what it must get, goes on in its stream, and tells how many replies are now complete.
    /// </summary>
    /// <exception cref="WrongReplyException">A byte is wrong.</exception>
    int Check(Link link, ReadOnlySpan<byte> bytes);
}
