using System.Buffers;

namespace SocketKit.Transports.InMemory;

/// <summary>
/// Bytes in the order they came, at most a capacity of them. The buffer comes from the shared pool and grows with what it holds.
/// </summary>
internal sealed class ByteRing(int capacity)
{
    private const int FirstLength = 1024;

    private byte[] _buffer = [];
    private int _head;

    public int Count { get; private set; }

    /// <summary>Takes what fits and says how much that is.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(bytes.Length, capacity - Count);
        Grow(Count + count);
        var tail = _head + Count;
        tail = tail < _buffer.Length ? tail : tail - _buffer.Length;
        var straight = Math.Min(count, _buffer.Length - tail);
        bytes[..straight].CopyTo(_buffer.AsSpan(tail));
        bytes[straight..count].CopyTo(_buffer);
        Count += count;
        return count;
    }

    /// <summary>Gives what there is, as far as it fits, and says how much that is.</summary>
    public int Read(Span<byte> bytes)
    {
        var count = Math.Min(bytes.Length, Count);
        var straight = Math.Min(count, _buffer.Length - _head);
        _buffer.AsSpan(_head, straight).CopyTo(bytes);
        _buffer.AsSpan(0, count - straight).CopyTo(bytes[straight..]);
        Count -= count;
        _head += count;
        _head = Count == 0 ? 0 : _head < _buffer.Length ? _head : _head - _buffer.Length;
        return count;
    }

    /// <summary>Drops all bytes and gives the buffer back.</summary>
    public void Release()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        _head = 0;
        Count = 0;
    }

    private void Grow(int needed)
    {
        if (needed <= _buffer.Length)
        {
            return;
        }

        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(FirstLength, Math.Min(capacity, _buffer.Length * 2))));
        var count = Count;
        Read(grown);
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = grown;
        _head = 0;
        Count = count;
    }
}
