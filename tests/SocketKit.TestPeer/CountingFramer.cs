using System.Buffers;

namespace SocketKit.TestPeer;

/// <summary>Counts the frames of which the length is there, in four bytes, and nothing else yet.</summary>
internal sealed class CountingFramer(IFramer inner) : IFramer
{
    private readonly object _changed = new();
    private int _count;

    public Frame Read(Span<byte> input, long resume)
    {
        if (input.Length == sizeof(int))
        {
            lock (_changed)
            {
                _count++;
                Monitor.PulseAll(_changed);
            }
        }

        return inner.Read(input, resume);
    }

    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output) => inner.Write(message, output);

    /// <summary>Blocks until so many were seen.</summary>
    public void WaitFor(int count)
    {
        lock (_changed)
        {
            while (_count < count)
            {
                Monitor.Wait(_changed);
            }
        }
    }
}
