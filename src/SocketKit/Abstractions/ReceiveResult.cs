namespace SocketKit;

/// <summary>The result of one <see cref="Transport.ReceiveAsync"/>. The default value means: nothing, or the end of the stream.</summary>
public readonly record struct ReceiveResult
{
    /// <summary>The number of bytes put into the buffer.</summary>
    public int Count { get; init; }

    /// <summary>
    /// True if these bytes end a message of a transport that preserves message boundaries. A message larger than the buffer comes in
    /// pieces, and the last has this flag.
    /// </summary>
    public bool EndOfMessage { get; init; }
}
