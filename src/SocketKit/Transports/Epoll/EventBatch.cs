namespace SocketKit.Transports.Epoll;

/// <summary>
/// The dispatches of one wait, as words of slot, generation and direction: an event of both directions is two. Each is taken by a
/// compare-and-swap on the cursor, so that of a thread whose loop was taken over and its successor exactly one dispatches it, whichever
/// wait it is from.
/// </summary>
internal sealed class EventBatch(int events)
{
    /// <summary>The directions of an event, and whether the connection has hung up.</summary>
    public const int In = 1;
    public const int Out = 2;
    public const int InHungUp = 4;
    public const int OutHungUp = 8;

    /// <summary>With <see cref="In"/>: TCP holds urgent data, at which receives stop.</summary>
    public const int Urgent = 16;
    private const int Directions = In | Out;
    private const int GenerationShift = 2;
    private const int SlotShift = GenerationShift + 32;

    /// <summary>Slots are numbered below this.</summary>
    public const int MostSlots = 1 << (63 - SlotShift);

    private readonly long[] _words = new long[events * 2];
    private int _count;

    /// <summary>
    /// The number of the wait, and below it the next word: so that a thread which is a wait late passes over no word of the new one.
    /// </summary>
    private long _cursor;

    /// <summary>Takes the next dispatch.</summary>
    /// <returns>False: none is left.</returns>
    public bool TryTake(out int slot, out uint generation, out int directions)
    {
        while (true)
        {
            var cursor = Volatile.Read(ref _cursor);
            var at = (int)cursor;
            Interleaving.Point();
            if (at >= Volatile.Read(ref _count))
            {
                slot = 0;
                generation = 0;
                directions = 0;
                return false;
            }

            var word = Volatile.Read(ref _words[at]);
            Interleaving.Point();

            // The word is the one that was read: another is written here only after the cursor has got the number of another wait.
            if (Interlocked.CompareExchange(ref _cursor, cursor + 1, cursor) == cursor)
            {
                slot = (int)(word >>> SlotShift);
                generation = (uint)(word >>> GenerationShift);
                directions = (int)word & Directions;
                return true;
            }
        }
    }

    /// <summary>Begins to fill an empty batch. Its owner alone does, outside of any dispatch.</summary>
    public void Clear()
    {
        Volatile.Write(ref _count, 0);
        Interleaving.Point();
        Volatile.Write(ref _cursor, ((_cursor >> 32) + 1) << 32);
    }

    public void Add(int slot, uint generation, int directions)
    {
        Add(slot, generation, directions, In);
        Add(slot, generation, directions, Out);
    }

    private void Add(int slot, uint generation, int directions, int direction)
    {
        if ((directions & direction) != 0)
        {
            Volatile.Write(ref _words[_count], ((long)slot << SlotShift) | ((long)generation << GenerationShift) | (uint)direction);
            Interleaving.Point();
            Volatile.Write(ref _count, _count + 1);
        }
    }

    /// <summary>The number by which the kernel returns a registration.</summary>
    public static ulong Data(int slot, uint generation) => ((ulong)slot << 32) | generation;
}
