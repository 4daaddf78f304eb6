namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// The bytes of one direction of a connection, in pooled arrays one behind the other; guarded by the owner's lock. Keeps links without
/// arrays for the next ones, and says how large the next array is.
/// </summary>
internal struct SegmentChain
{
    public const int Smallest = 4 * 1024;
    public const int Largest = 64 * 1024;
    private const int MostKept = 4;

    private readonly Stack<BufferSegment> _spare = new(1);
    private int _size = Smallest;

    public SegmentChain()
    {
    }

    public BufferSegment? Head { get; private set; }

    public BufferSegment? Tail { get; private set; }

    /// <summary>Bytes of all its arrays.</summary>
    public readonly int HeldBytes
    {
        get
        {
            var held = 0;
            for (var segment = Head; segment is not null; segment = segment.Following)
            {
                held += segment.Array.Length;
            }

            return held;
        }
    }

    /// <summary>Puts an array of at least so many bytes behind the others.</summary>
    /// <param name="position">Of its first byte, counted from the connection's first.</param>
    /// <param name="atLeast">Bytes.</param>
    public void Open(long position, int atLeast)
    {
        var segment = _spare.TryPop(out var spare) ? spare : new BufferSegment();
        segment.Open(Math.Max(_size, atLeast), position);
        if (Tail is null)
        {
            Head = segment;
        }
        else
        {
            Tail.Link(segment);
        }

        Tail = segment;
    }

    /// <summary>Gives the first array back.</summary>
    public void DropHead()
    {
        var head = Head ?? throw new InvalidOperationException("The position is not one of this reader's");
        Head = head.Following;
        if (Head is null)
        {
            Tail = null;
        }

        head.Close();
        if (_spare.Count < MostKept)
        {
            _spare.Push(head);
        }
    }

    public void DropAll()
    {
        while (Head is not null)
        {
            DropHead();
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
