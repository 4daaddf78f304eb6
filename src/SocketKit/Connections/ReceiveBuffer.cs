using System.Buffers;

namespace SocketKit.Connections;

/// <summary>
/// The bytes received and not yet consumed: one contiguous window in a pooled array, so that a framer sees a plain span. Used by the
/// receive loop alone. It grows by doubling as bytes arrive, never by a number that the peer sent, and holds nothing while it is empty and
/// at rest.
/// </summary>
internal struct ReceiveBuffer(bool poison, int maxFrameLength)
{
    private const int LargestPreferred = 256 * 1024;

    // The next array is sized by what really came: a bulk stream is received in large pieces, a quiet one in small.
    private int _preferred = ConnectionSettings.ReceiveBufferSize;
    private int _most;
    private byte[]? _array;
    private int _start;
    private int _end;

    public readonly int Length => _end - _start;

    /// <summary>An array is rented. An old value to others than the receive loop.</summary>
    public readonly bool HoldsArray => _array is not null;

    public readonly Span<byte> Span => _array.AsSpan(_start, _end - _start);

    public readonly Memory<byte> Memory => _array.AsMemory(_start, _end - _start);

    /// <summary>Where the next bytes go: never empty.</summary>
    public Memory<byte> GetFree()
    {
        if (_array is null)
        {
            _array = ArrayPool<byte>.Shared.Rent(_preferred);
            _start = _end = 0;
        }
        else if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_array.Length - _end < _array.Length / 4)
        {
            MakeRoom();
        }

        return _array.AsMemory(_end);
    }

    /// <returns>True: the array is full.</returns>
    public bool Advance(int count)
    {
        _end += count;
        _most = Math.Max(_most, _end);
        if (_end < _array!.Length)
        {
            return false;
        }

        _preferred = (int)Math.Min(2L * _array.Length, LargestPreferred);
        return true;
    }

    /// <summary>
    /// The size of the next array, for a window that has outgrown its own: double, up to what the longest frame needs so that a quarter
    /// stays free behind it. Without the latter a frame of a gigabyte would want more than an array can hold.
    /// </summary>
    internal static int NextSize(int size, int maxFrameLength) => (int)Math.Max(size, Math.Min(2L * size, Largest(maxFrameLength)));

    public void Consume(int count) => _start += count;

    public void Clear() => _start = _end = 0;

    /// <summary>Gives the array back; the window must be empty.</summary>
    public void Release()
    {
        if (_array is { } array)
        {
            _array = null;
            Return(array, _end);
            _start = _end = 0;
            if (_most < _preferred / 8)
            {
                _preferred = Math.Max(_preferred / 2, ConnectionSettings.ReceiveBufferSize);
            }

            _most = 0;
        }
    }

    /// <summary>
    /// Gives the array away, because somebody still reads a slice of it; what is not consumed moves to a fresh one. Goes back with
    /// <see cref="Return(byte[])"/>.
    /// </summary>
    public byte[] Detach()
    {
        var detached = _array!;
        var rest = Span;
        _array = null;
        if (rest.Length > 0)
        {
            _array = ArrayPool<byte>.Shared.Rent(Math.Max(_preferred, rest.Length));
            rest.CopyTo(_array);
        }

        _end = rest.Length;
        _start = 0;
        return detached;
    }

    public readonly void Return(byte[] array) => Return(array, array.Length);

    private readonly void Return(byte[] array, int used)
    {
        if (poison)
        {
            array.AsSpan(0, used).Fill(0xDD);
        }

        ArrayPool<byte>.Shared.Return(array);
    }

    private static long Largest(int maxFrameLength) =>
        ConnectionSettings.ReceiveBufferSize + Math.Max(ConnectionSettings.ReceiveBufferSize, maxFrameLength + (maxFrameLength / 3L));

    // Half full or more: double, so that a long frame is moved a bounded number of times. Less, or at the limit: move to the front.
    private void MakeRoom()
    {
        var used = Length;
        var source = _array!;
        if (used > source.Length / 2 && source.Length < Largest(maxFrameLength))
        {
            _array = ArrayPool<byte>.Shared.Rent(NextSize(source.Length, maxFrameLength));
            source.AsSpan(_start, used).CopyTo(_array);
            Return(source, _end);
        }
        else if (_start > 0)
        {
            source.AsSpan(_start, used).CopyTo(source);
        }

        _start = 0;
        _end = used;
    }
}
