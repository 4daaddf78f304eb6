namespace SocketKit.Clock;

/// <summary>
/// Where a clock keeps its connections, and until when each of them rests. The times lie side by side: a tick that finds ten thousand at
/// rest reads 80 KB in a row and not one of the connections. A connection keeps its place for life.
/// </summary>
/// <remarks>Guarded by the clock's lock, but for <see cref="ClockPlace"/>.</remarks>
internal sealed class ClockPlaces
{
    /// <summary>
    /// Connections in a block. They are looked at block by block, so that a newcomer waits for one of them and not for all.
    /// </summary>
    public const int BlockLength = 512;

    private readonly List<Block> _blocks = [];
    private readonly Stack<ClockPlace> _free = new();
    private int _count;

    public bool IsEmpty => _count == 0;

    /// <summary>Gives a connection its place, where it does not rest yet.</summary>
    public void Add(ITicked connection)
    {
        if (_free.Count == 0)
        {
            var block = new Block();
            _blocks.Add(block);
            for (var index = BlockLength - 1; index >= 0; index--)
            {
                _free.Push(new ClockPlace(block, index));
            }
        }

        connection.ClockPlace = _free.Pop();
        connection.ClockPlace.Take(connection);
        _count++;
    }

    /// <summary>Frees the connection's place, if it has one; when it was the last one taken, forgets them all.</summary>
    /// <returns>False: it had none.</returns>
    public bool Remove(ITicked connection)
    {
        var place = connection.ClockPlace;
        if (!place.TryFree(connection))
        {
            return false;
        }

        _free.Push(place);
        if (--_count == 0)
        {
            _blocks.Clear();
            _free.Clear();
        }

        return true;
    }

    /// <summary>Takes the connections of a block that do not rest.</summary>
    /// <param name="block">Its number, from 0.</param>
    /// <param name="alive">The time of the liveness clock; <see cref="long.MaxValue"/>: all of them, at rest or not.</param>
    /// <param name="some">Takes them; has room for a block.</param>
    /// <returns>How many, or -1: there is no such block.</returns>
    public int Take(int block, long alive, Span<ITicked?> some)
    {
        if (block >= _blocks.Count)
        {
            return -1;
        }

        var (connections, rests) = (_blocks[block].Connections, _blocks[block].RestsUntil);
        var count = 0;
        for (var index = 0; index < rests.Length; index++)
        {
            if (Volatile.Read(ref rests[index]) <= alive && connections[index] is { } connection)
            {
                some[count++] = connection;
            }
        }

        return count;
    }

    internal sealed class Block
    {
        public readonly ITicked?[] Connections = new ITicked?[BlockLength];
        public readonly long[] RestsUntil = new long[BlockLength];

        public Block() => Array.Fill(RestsUntil, long.MaxValue);
    }
}

/// <summary>A connection's place in its clock.</summary>
internal readonly struct ClockPlace(ClockPlaces.Block? block, int index)
{
    /// <summary>In liveness time; 0: the clock looks at the connection at each tick.</summary>
    public long RestsUntil => Volatile.Read(ref block!.RestsUntil[index]);

    /// <summary>
    /// The clock passes the connection over until its liveness time gets there, or it wakes. The connection's lock orders the two.
    /// </summary>
    public void Rest(long until) => Volatile.Write(ref block!.RestsUntil[index], until);

    /// <summary>The next tick looks at the connection.</summary>
    public void Wake() => Volatile.Write(ref block!.RestsUntil[index], 0);

    public void Take(ITicked connection)
    {
        block!.Connections[index] = connection;
        block.RestsUntil[index] = 0;
    }

    /// <returns>False: the connection has no place, or not any more.</returns>
    public bool TryFree(ITicked connection)
    {
        if (block is null || block.Connections[index] != connection)
        {
            return false;
        }

        block.Connections[index] = null;
        block.RestsUntil[index] = long.MaxValue;
        return true;
    }
}
