namespace SocketKit.Connections;

/// <summary>
/// How far a connection of a stopping server still takes its input, and where its output ends: what the kernel and the transport held when
/// the receive loop first looked is handled, what came later is not. Belongs to the receive loop, but for <see cref="Reach"/> and the two
/// properties that say otherwise.
/// </summary>
internal sealed class InputMark
{
    /// <summary>So many bytes, where the transport does not count.</summary>
    private const long MostUncounted = 4 * 1024 * 1024;

    private long _end = -1;
    private long _left = MostUncounted;
    private volatile bool _reached;

    /// <summary>Where the last reply ends, in bytes that the wire has taken; -1: not known yet. Guarded by the connection's lock.</summary>
    public long RepliesEnd { get; set; } = -1;

    /// <summary>
    /// How many receives had begun at the clock's last tick: still as many, and it is the same receive. Used only by the clock thread.
    /// </summary>
    public int ReceiveAtTick { get; set; } = -1;

    /// <summary>The transport's count then. Used only by the clock thread.</summary>
    public long BytesAtTick { get; set; }

    /// <summary>Nothing further is handled.</summary>
    public bool IsReached => _reached;

    /// <summary>
    /// Before each receive: sets the mark, or sees that it is passed. With all of it received, one more receive may bring what a decorator
    /// still holds; that it would wait is seen by <see cref="Reach"/>.
    /// </summary>
    public void Look(Transport transport)
    {
        var received = transport.BytesReceived;
        if (received < 0)
        {
            _reached |= _left <= 0;
        }
        else if (_end < 0)
        {
            _end = received + Math.Max(0, transport.BytesUnread);
        }
        else if (received > _end)
        {
            _reached = true;
        }
    }

    /// <summary>A receive has brought so many bytes.</summary>
    public void Count(int bytes) => _left -= bytes;

    /// <summary>A receive waits, and nothing is there.</summary>
    public void Reach() => _reached = true;
}
