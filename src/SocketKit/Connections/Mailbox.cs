using System.Buffers;

namespace SocketKit.Connections;

/// <summary>
/// Copies of messages that wait for an asynchronous handler. Bounded by number and bytes; a larger message is let in alone. Guarded by the
/// connection's lock.
/// </summary>
internal struct Mailbox
{
    // Made with the first message: most connections never have one.
    private Queue<ArraySegment<byte>>? _items;
    private long _bytes;

    public readonly int Count => _items?.Count ?? 0;

    public readonly bool HasRoomFor(int length) => Count == 0
        || (Count < ConnectionSettings.MailboxMessages && _bytes + Math.Max(length, 16) <= ConnectionSettings.MailboxBytes);

    /// <summary>
    /// True at half or below: the time to wake a reader that waits for room, so that it does not come for every single place.
    /// </summary>
    public readonly bool IsHalfEmpty => Count <= ConnectionSettings.MailboxMessages / 2 && _bytes <= ConnectionSettings.MailboxBytes / 2;

    public void Add(ReadOnlySpan<byte> message)
    {
        var array = ArrayPool<byte>.Shared.Rent(message.Length);
        message.CopyTo(array);
        (_items ??= new Queue<ArraySegment<byte>>()).Enqueue(new ArraySegment<byte>(array, 0, message.Length));
        _bytes += array.Length;
    }

    /// <summary>Takes the oldest; its array goes back to the pool when the handler has finished with it.</summary>
    public bool TryTake(out ArraySegment<byte> message)
    {
        message = default;
        if (_items?.TryDequeue(out message) != true)
        {
            return false;
        }

        _bytes -= message.Array!.Length;
        return true;
    }

    /// <summary>Drops all that waits.</summary>
    /// <returns>How many there were.</returns>
    public int Clear()
    {
        var count = Count;
        while (TryTake(out var message))
        {
            ArrayPool<byte>.Shared.Return(message.Array!);
        }

        return count;
    }
}
