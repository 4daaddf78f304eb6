namespace SocketKit.AspNetCore.Pipes;

/// <summary>The chain links of one direction of a connection, kept without arrays; guarded by the owner's lock. Also says how large the next array is.</summary>
internal struct SegmentPool
{
    public const int Smallest = 4 * 1024;
    public const int Largest = 64 * 1024;
    private const int MostKept = 4;

    private readonly Stack<BufferSegment> _spare = new(1);
    private int _size = Smallest;

    public SegmentPool()
    {
    }

    /// <summary>Takes an array of at least so many bytes.</summary>
    public BufferSegment Open(long position, int atLeast)
    {
        var segment = _spare.TryPop(out var spare) ? spare : new BufferSegment();
        segment.Open(Math.Max(_size, atLeast), position);
        return segment;
    }

    public readonly void Close(BufferSegment segment)
    {
        segment.Close();
        if (_spare.Count < MostKept)
        {
            _spare.Push(segment);
        }
    }

    /// <summary>So much came at once: the next array has the size for it.</summary>
    public void Adapt(int count)
    {
        if (count >= _size)
        {
            _size = Math.Min(_size * 2, Largest);
        }
        else if (count < _size / 4)
        {
            _size = Math.Max(_size / 2, Smallest);
        }
    }
}
