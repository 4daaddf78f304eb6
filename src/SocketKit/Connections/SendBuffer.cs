using System.Buffers;

namespace SocketKit.Connections;

/// <summary>
/// What waits to be sent: frames are written into one pooled array while the other is on the wire. Guarded by the connection's lock. Holds
/// nothing while nothing waits.
/// <see cref="TryTake"/> gives all that is there; for a transport that preserves message boundaries, with the end of each message.
/// </summary>
internal sealed class SendBuffer : IBufferWriter<byte>
{
    private const int LeastSize = 256;
    private const int LargestPreferred = 512 * 1024;

    private Boundaries? _boundaries;
    private byte[]? _filling;
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
    public int Length => _end;

    /// <summary>Nothing waits. Where message boundaries are preserved an empty message is something.</summary>
    public bool IsEmpty => Length == 0 && (_boundaries is null or { Count: 0 });

    /// <summary>Each frame is a message of the transport.</summary>
    public bool PreservesBoundaries => _boundaries is not null;

    /// <summary>Where each message of the batch that was taken last ends. It stays valid as long as the batch.</summary>
    public ReadOnlyMemory<int> EndsTaken => _boundaries!.Taken;

    /// <summary>More than that no array holds, whatever the limit for what is queued.</summary>
    public bool CanTake(int count) => (long)Length + count <= Array.MaxLength;

    /// <summary>From now on each frame is a message of the transport. Before the first frame.</summary>
    public void PreserveBoundaries() => _boundaries = new Boundaries();

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
        _end = mark;
        ReleaseIfEmpty();
    }

    /// <summary>Ends a frame.</summary>
    public void Seal()
    {
        _messages++;
        _boundaries?.Add(Length);
    }

    /// <summary>Takes the next batch to put on the wire. It stays valid until the next call.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> batch)
    {
        ReturnSending();
        if (IsEmpty)
        {
            batch = default;
            ReleaseIfEmpty();
            _boundaries?.Release();
            return false;
        }

        batch = _filling.AsMemory(0, Length);
        _preferred = Math.Clamp(Length >= _preferred ? Length : _preferred - ((_preferred - Length) / 8), LeastSize, LargestPreferred);
        MessagesTaken = _messages;
        _messages = 0;
        _sending = _filling;
        _filling = null;
        _end = 0;
        _boundaries?.Take();
        return true;
    }

    /// <summary>Drops what waits; the batch on the wire is not touched.</summary>
    public void Clear()
    {
        _end = _messages = 0;
        _boundaries?.Clear();
        ReleaseIfEmpty();
    }

    /// <summary>Gives all arrays back; nothing may be on the wire any more.</summary>
    public void Release()
    {
        Clear();
        ReturnSending();
        _boundaries?.Release();
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
            _end = 0;
            ArrayPool<byte>.Shared.Return(filling);
        }
    }

    private void EnsureRoom(int sizeHint)
    {
        var needed = Math.Max(sizeHint, 1);
        if (_filling is null)
        {
            _filling = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _preferred));
            _end = 0;
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
        _filling.AsSpan(0, used).CopyTo(grown);
        ArrayPool<byte>.Shared.Return(_filling);
        _filling = grown;
    }

    /// <summary>Where messages end: of what waits, and of the batch that was taken.</summary>
    private sealed class Boundaries
    {
        private const int LeastSize = 16;

        private int[] _filling = [];
        private int[] _taken = [];
        private int _takenCount;

        /// <summary>Messages that wait.</summary>
        public int Count { get; private set; }

        public ReadOnlyMemory<int> Taken => _taken.AsMemory(0, _takenCount);

        public void Add(int end)
        {
            if (Count == _filling.Length)
            {
                var grown = ArrayPool<int>.Shared.Rent(Math.Max(2 * Count, LeastSize));
                _filling.AsSpan(0, Count).CopyTo(grown);
                Return(ref _filling);
                _filling = grown;
            }

            _filling[Count++] = end;
        }

        public void Take()
        {
            (_filling, _taken) = (_taken, _filling);
            (Count, _takenCount) = (0, Count);
        }

        public void Clear() => Count = 0;

        public void Release()
        {
            Count = _takenCount = 0;
            Return(ref _filling);
            Return(ref _taken);
        }

        private static void Return(ref int[] array)
        {
            if (array.Length > 0)
            {
                ArrayPool<int>.Shared.Return(array);
                array = [];
            }
        }
    }
}
