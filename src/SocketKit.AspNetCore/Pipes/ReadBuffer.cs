using System.Buffers;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>Bytes that have arrived and are not consumed, and the free end that a receive writes into. Guarded by the reader's lock.
/// Positions count from the connection's first byte.</summary>
internal struct ReadBuffer
{
    private const int LeastFree = 1024;

    private SegmentChain _chain = new();

    /// <summary>The first byte that is not consumed, in the first array.</summary>
    private int _start;

    private long _end;
    private long _examined;

    /// <summary>A receive writes into the last array, which therefore stays.</summary>
    private bool _lent;

    public ReadBuffer()
    {
    }

    /// <summary>The reader is completed: bytes that still arrive are thrown away.</summary>
    public bool IsClosed { get; private set; }

    public readonly int HeldBytes => _chain.HeldBytes;

    /// <summary>There are bytes that are not examined.</summary>
    public readonly bool HasNews => _end > _examined;

    /// <summary>There are bytes that are not consumed. Also read without the lock, on the thread that consumes.</summary>
    public readonly bool HasRest => _chain.Head is { } head && (head.Following is not null || _start < head.End);

    public readonly ReadOnlySequence<byte> Bytes => _chain is { Head: { } head, Tail: { } tail }
        ? new ReadOnlySequence<byte>(head, _start, tail, tail.End)
        : ReadOnlySequence<byte>.Empty;

    /// <summary>A receive begins: the free end of the last array, or a new one.</summary>
    public Memory<byte> Lend()
    {
        if (_chain.Tail is null || _chain.Tail.Free < LeastFree)
        {
            _start = _chain.Tail is null ? 0 : _start;
            _chain.Open(_end, LeastFree);
        }

        _lent = true;
        return _chain.Tail!.Array.AsMemory(_chain.Tail.End);
    }

    /// <summary>The receive is over, and so many bytes are in what was lent.</summary>
    public void Commit(int count)
    {
        _lent = false;
        if (IsClosed)
        {
            _chain.DropAll();
        }
        else
        {
            _chain.Adapt(count);
            _chain.Tail!.Append(count);
            _end += count;
        }
    }

    /// <summary>The operation has failed: nothing writes into the last array.</summary>
    public void TakeBack()
    {
        _lent = false;
        if (IsClosed)
        {
            _chain.DropAll();
        }
    }

    /// <summary>Gives the arrays back whose bytes are consumed.</summary>
    public void Advance(SequencePosition consumed, SequencePosition examined)
    {
        if (examined.GetObject() is BufferSegment seen)
        {
            _examined = Math.Max(_examined, seen.RunningIndex + examined.GetInteger());
        }

        if (consumed.GetObject() is not BufferSegment last)
        {
            return;
        }

        while (_chain.Head != last)
        {
            _chain.DropHead();
        }

        _start = consumed.GetInteger();
        _examined = Math.Max(_examined, last.RunningIndex + _start);
        if (_start == last.End)
        {
            if (last != _chain.Tail)
            {
                _chain.DropHead();
                _start = 0;
            }
            else if (!_lent)
            {
                _chain.DropAll();
            }
        }
    }

    /// <summary>Gives all arrays back: at once, or at the end of the receive that writes into the last one.</summary>
    public void Close()
    {
        IsClosed = true;
        if (!_lent)
        {
            _chain.DropAll();
        }
    }
}
