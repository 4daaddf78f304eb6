namespace SocketKit.AspNetCore.Pipes;

/// <summary>Bytes that are written and not sent, in order. Guarded by the writer's lock. Positions count from the connection's first byte:
/// sent &lt;= flushed &lt;= written.</summary>
internal struct WriteBuffer
{
    private SegmentChain _chain = new();
    private long _written;
    private long _flushed;
    private long _sent;

    /// <summary>Bytes of the batch that is on the wire.</summary>
    private int _sending;

    /// <summary>Memory of the last array is in the caller's hands.</summary>
    private bool _lent;

    public WriteBuffer()
    {
    }

    public readonly int HeldBytes => _chain.HeldBytes;

    /// <summary>Bytes that are written and not flushed.</summary>
    public readonly long Unflushed => _written - _flushed;

    /// <summary>Bytes that are flushed and not sent.</summary>
    public readonly long Unsent => _flushed - _sent;

    /// <summary>Free memory behind what is written.</summary>
    public Memory<byte> Lend(int sizeHint)
    {
        _lent = true;
        var last = _chain.Tail;
        if (last is null || last.Free < Math.Max(sizeHint, 1))
        {
            _chain.Open(_written, sizeHint);
            if (last is not null)
            {
                // A large message: fewer, larger sends.
                _chain.Adapt(last.End);
            }
        }

        return _chain.Tail!.Array.AsMemory(_chain.Tail.End);
    }

    /// <summary>The caller has written so many bytes into what was lent.</summary>
    /// <returns>False: that much was not lent.</returns>
    public bool TryAppend(int bytes)
    {
        if (bytes < 0 || bytes > (_chain.Tail?.Free ?? 0))
        {
            return false;
        }

        _lent = false;
        _chain.Tail?.Append(bytes);
        _written += bytes;
        return true;
    }

    /// <summary>All that is written may be sent.</summary>
    public void Flush()
    {
        _lent = false;
        _flushed = _written;
    }

    /// <summary>The batch that goes out next; something is flushed.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        var head = _chain.Head!;
        while (head.Start == head.End)
        {
            _chain.DropHead();
            head = _chain.Head!;
        }

        _sending = (int)Math.Min(head.End - head.Start, Unsent);
        return head.Array.AsMemory(head.Start, _sending);
    }

    /// <summary>The batch is sent.</summary>
    public void Sent()
    {
        _chain.Head!.Start += _sending;
        _sent += _sending;
    }

    /// <summary>No send is under way. When all is sent, nothing is held, unless the caller still writes into it.</summary>
    public void Trim()
    {
        if (_chain.Head is null || _sent != _written || _lent)
        {
            return;
        }

        _chain.Adapt(_chain.Head == _chain.Tail ? _chain.Head.End : SegmentChain.Smallest);
        _chain.DropAll();
    }

    /// <summary>No send is under way, and the connection is gone: nothing is left to send.</summary>
    public void DropAll()
    {
        _sent = _flushed = _written;
        while (_chain.Head is not null && !(_lent && _chain.Head == _chain.Tail))
        {
            _chain.DropHead();
        }
    }
}
