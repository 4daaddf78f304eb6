using System.Numerics;
using System.Runtime.InteropServices;

namespace SocketKit.Diagnostics;

/// <summary>
/// Bytes and messages that have passed. Each processor adds to a cell of its own, so that event loops do not take a cache line from each
/// other; whoever reads sums the cells. Thread-safe.
/// </summary>
internal sealed class TrafficCounts
{
    private readonly Cell[] _cells = new Cell[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, 64))];

    public long BytesReceived => Sum(static (ref cell) => Interlocked.Read(ref cell.BytesReceived));

    public long MessagesReceived => Sum(static (ref cell) => Interlocked.Read(ref cell.MessagesReceived));

    public long BytesSent => Sum(static (ref cell) => Interlocked.Read(ref cell.BytesSent));

    public long MessagesSent => Sum(static (ref cell) => Interlocked.Read(ref cell.MessagesSent));

    private delegate long Reader(ref Cell cell);

    private ref Cell Mine => ref _cells[Thread.GetCurrentProcessorId() & (_cells.Length - 1)];

    public void AddReceived(long bytes, long messages)
    {
        ref var cell = ref Mine;
        Interlocked.Add(ref cell.BytesReceived, bytes);
        Interlocked.Add(ref cell.MessagesReceived, messages);
    }

    public void AddSent(long bytes, long messages)
    {
        ref var cell = ref Mine;
        Interlocked.Add(ref cell.BytesSent, bytes);
        Interlocked.Add(ref cell.MessagesSent, messages);
    }

    private long Sum(Reader read)
    {
        var sum = 0L;
        for (var index = 0; index < _cells.Length; index++)
        {
            sum += read(ref _cells[index]);
        }

        return sum;
    }

    // Two cache lines, since processors fetch them in pairs.
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Cell
    {
        public long BytesReceived;
        public long MessagesReceived;
        public long BytesSent;
        public long MessagesSent;
    }
}
