using System.Buffers;

namespace SocketKit;

/// <summary>Pooled scratch memory for one payload that a callback writes. Open only during the callback, and only on its thread.</summary>
internal sealed class PayloadWriter : IBufferWriter<byte>, IDisposable
{
    private const int LeastSize = 256;
    private const int LargestPreferred = 512 * 1024;

    // Reused, so that a message costs no allocation. Empty while a callback runs: one that sends in its turn gets another writer.
    [ThreadStatic]
    private static PayloadWriter? _idle;

    private byte[]? _buffer;
    private int _length;

    // The thread whose callback writes; 0: closed.
    private int _owner;

    // The next array is sized by what the last payloads came to, so that writing one moves nothing.
    private int _preferred = LeastSize;

    private PayloadWriter()
    {
    }

    /// <summary>The payload, valid until <see cref="Dispose"/>.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    /// <summary>Lets a callback write a payload. What it throws comes out of this method.</summary>
    /// <param name="state">What the callback needs.</param>
    /// <param name="write">The callback.</param>
    /// <returns>The payload; dispose it on this thread.</returns>
    public static PayloadWriter Write<TState>(TState state, Action<TState, IBufferWriter<byte>> write)
        where TState : allows ref struct
    {
        var writer = _idle ?? new PayloadWriter();
        _idle = null;
        writer._owner = Environment.CurrentManagedThreadId;
        try
        {
            write(state, writer);
        }
        catch
        {
            writer.Dispose();
            throw;
        }

        writer.Close();
        return writer;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _owner = 0;
        _length = 0;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }

        _idle = this;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _buffer.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _buffer.AsSpan(_length);
    }

    public void Advance(int count)
    {
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, (_buffer?.Length ?? 0) - _length);
        _length += count;
    }

    private void Close()
    {
        _owner = 0;
        _preferred = Math.Clamp(Math.Max(_length, _preferred - ((_preferred - _length) / 8)), LeastSize, LargestPreferred);
    }

    private void EnsureRoom(int sizeHint)
    {
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        var needed = Math.Max(sizeHint, 1);
        if (_buffer is not { } buffer)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _preferred));
            return;
        }

        if (buffer.Length - _length >= needed)
        {
            return;
        }

        if ((long)_length + needed > Array.MaxLength)
        {
            throw new FrameTooLargeException((long)_length + needed, Array.MaxLength);
        }

        var grown = ArrayPool<byte>.Shared.Rent((int)Math.Max(_length + needed, Math.Min(2L * buffer.Length, Array.MaxLength)));
        buffer.AsSpan(0, _length).CopyTo(grown);
        _buffer = grown;
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void ThrowIfClosed()
    {
        // Without it, a writer that was kept would write into a later message, whoever sends it.
        if (_owner != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException(
                "The writer is usable only inside of its callback, on the callback's thread; the callback must be neither async nor keep the writer");
        }
    }
}
