using System.Buffers;

namespace SocketKit.Connections;

/// <summary>
/// What waits to be sent: frames are written into one pooled array while the other is on the wire. Guarded by the connection's lock. Holds nothing while nothing waits.
/// On a wire that keeps messages each <see cref="TryTake"/> gives one message, else all that is there.
/// </summary>
internal sealed class SendBuffer(bool keepsMessages) : IBufferWriter<byte>
{
    private const int LeastSize = 256;
    private const int LargestPreferred = 512 * 1024;

    private readonly Queue<int>? _boundaries = keepsMessages ? new Queue<int>() : null;
    private byte[]? _filling;
    private int _start;
    private int _end;
    private byte[]? _sending;
    private int _messages;

    // The next array is sized by what the last batches came to, so that filling it moves nothing.
    private int _preferred = LeastSize;

    /// <summary>Messages in the batch that was taken last. For whoever took it.</summary>
    public int MessagesTaken { get; private set; }

    /// <summary>Rented arrays.</summary>
    public int Arrays => (_filling is null ? 0 : 1) + (_sending is null ? 0 : 1);

    /// <summary>Bytes written and not yet taken.</summary>
    public int Length => _end - _start;

    /// <summary>Nothing waits. On a wire that keeps messages an empty message is something.</summary>
    public bool IsEmpty => Length == 0 && (_boundaries is null or { Count: 0 });

    /// <summary>More than that no array holds, whatever the limit for what is queued.</summary>
    public bool CanTake(int count) => (long)Length + count <= Array.MaxLength;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _filling.AsMemory(_end);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _filling.AsSpan(_end);
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, (_filling?.Length ?? 0) - _end);
        _end += count;
    }

    /// <summary>Where the next frame begins; for <see cref="CutBack"/>.</summary>
    public int Mark() => Length;

    /// <summary>Forgets what was written since the mark.</summary>
    public void CutBack(int mark)
    {
        _end = _start + mark;
        ReleaseIfEmpty();
    }

    /// <summary>Ends a frame begun at the mark.</summary>
    public void Seal(int mark)
    {
        _messages++;
        _boundaries?.Enqueue(Length - mark);
    }

    /// <summary>Takes the next batch to put on the wire. It stays valid until the next call.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> batch)
    {
        ReturnSending();
        if (IsEmpty)
        {
            batch = default;
            ReleaseIfEmpty();
            return false;
        }

        if (_boundaries is not null)
        {
            // The message is moved out, so that more can be written behind the rest meanwhile.
            var length = _boundaries.Dequeue();
            MessagesTaken = 1;
            _messages--;
            _sending = ArrayPool<byte>.Shared.Rent(Math.Max(length, 1));
            _filling.AsSpan(_start, length).CopyTo(_sending);
            _start += length;
            batch = _sending.AsMemory(0, length);
            ReleaseIfEmpty();
            return true;
        }

        batch = _filling.AsMemory(_start, Length);
        _preferred = Math.Clamp(Length >= _preferred ? Length : _preferred - ((_preferred - Length) / 8), LeastSize, LargestPreferred);
        MessagesTaken = _messages;
        _messages = 0;
        _sending = _filling;
        _filling = null;
        _start = _end = 0;
        return true;
    }

    /// <summary>Drops what waits; the batch on the wire is not touched.</summary>
    public void Clear()
    {
        _start = _end = _messages = 0;
        _boundaries?.Clear();
        ReleaseIfEmpty();
    }

    /// <summary>Gives all arrays back; nothing may be on the wire any more.</summary>
    public void Release()
    {
        Clear();
        ReturnSending();
    }

    private void ReturnSending()
    {
        if (_sending is { } sending)
        {
            _sending = null;
            ArrayPool<byte>.Shared.Return(sending);
        }
    }

    private void ReleaseIfEmpty()
    {
        if (Length == 0 && _filling is { } filling)
        {
            _filling = null;
            _start = _end = 0;
            ArrayPool<byte>.Shared.Return(filling);
        }
    }

    private void EnsureRoom(int sizeHint)
    {
        var needed = Math.Max(sizeHint, 1);
        if (_filling is null)
        {
            _filling = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _preferred));
            _start = _end = 0;
            return;
        }

        if (_filling.Length - _end >= needed)
        {
            return;
        }

        if (!CanTake(needed))
        {
            throw new FrameTooLargeException(needed, Array.MaxLength - Length);
        }

        var used = Length;
        var grown = ArrayPool<byte>.Shared.Rent((int)Math.Max(used + needed, Math.Min(2L * _filling.Length, Array.MaxLength)));
        _filling.AsSpan(_start, used).CopyTo(grown);
        ArrayPool<byte>.Shared.Return(_filling);
        _filling = grown;
        _start = 0;
        _end = used;
    }
}
