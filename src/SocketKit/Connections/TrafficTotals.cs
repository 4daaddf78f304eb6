namespace SocketKit.Connections;

/// <summary>
/// What has passed over one connection. Each number has one writer, the receive loop or whoever flushes, once per batch and without the
/// lock; any thread may read. Small, since every connection has one: the times are in tenths of a second since the connection began.
/// </summary>
internal struct TrafficTotals
{
    private const long Unit = TimeSpan.TicksPerSecond / 10;

    private long _bytesReceived;
    private long _messagesReceived;
    private long _messagesSent;

    // 0: never; otherwise one more than the time, which has room for 13 years.
    private uint _received;
    private uint _sent;

    public readonly long BytesReceived => Volatile.Read(in _bytesReceived);

    public readonly long MessagesReceived => Volatile.Read(in _messagesReceived);

    public readonly long MessagesSent => Volatile.Read(in _messagesSent);

    /// <summary>The receive loop's: bytes have come.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="age">How old the connection is, in ticks of 100 ns.</param>
    public void AddReceived(int bytes, long age)
    {
        Volatile.Write(ref _bytesReceived, _bytesReceived + bytes);
        Volatile.Write(ref _received, Note(age));
    }

    /// <summary>The receive loop's: messages were found in them.</summary>
    public void AddMessages(int count) => Volatile.Write(ref _messagesReceived, _messagesReceived + count);

    /// <summary>The flusher's: the transport has taken a batch.</summary>
    /// <param name="messages">How many messages it was.</param>
    /// <param name="age">How old the connection is, in ticks of 100 ns.</param>
    public void AddSent(int messages, long age)
    {
        Volatile.Write(ref _messagesSent, _messagesSent + messages);
        Volatile.Write(ref _sent, Note(age));
    }

    /// <summary>The time since bytes came, or null.</summary>
    /// <param name="age">How old the connection is, in ticks of 100 ns.</param>
    public readonly TimeSpan? SinceReceived(long age) => Since(Volatile.Read(in _received), age);

    /// <summary>The time since bytes went, or null.</summary>
    /// <param name="age">How old the connection is, in ticks of 100 ns.</param>
    public readonly TimeSpan? SinceSent(long age) => Since(Volatile.Read(in _sent), age);

    private static uint Note(long age) => (uint)(Math.Max(0, age) / Unit) + 1;

    private static TimeSpan? Since(uint note, long age) => note == 0 ? null : TimeSpan.FromTicks(Math.Max(0, age - ((note - 1L) * Unit)));
}
