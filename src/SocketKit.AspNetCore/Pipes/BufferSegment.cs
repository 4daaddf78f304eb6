using System.Buffers;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// One pooled array in a chain. <see cref="Start"/> up to <see cref="End"/> is in use; positions of a chain count from the connection's
/// first byte.
/// </summary>
internal sealed class BufferSegment : ReadOnlySequenceSegment<byte>
{
    public byte[] Array { get; private set; } = [];

    /// <summary>The first byte that is still needed; used by the writer.</summary>
    public int Start { get; set; }

    /// <summary>Where free space begins.</summary>
    public int End { get; private set; }

    public int Free => Array.Length - End;

    public BufferSegment? Following => (BufferSegment?)Next;

    /// <summary>Takes an array from the pool.</summary>
    public void Open(int size, long position)
    {
        Array = ArrayPool<byte>.Shared.Rent(size);
        RunningIndex = position;
    }

    /// <summary>Gives the array back.</summary>
    public void Close()
    {
        ArrayPool<byte>.Shared.Return(Array);
        Array = [];
        Start = End = 0;
        Memory = default;
        Next = null;
        RunningIndex = 0;
    }

    public void Append(int count)
    {
        End += count;
        Memory = Array.AsMemory(0, End);
    }

    public void Link(BufferSegment following) => Next = following;
}
