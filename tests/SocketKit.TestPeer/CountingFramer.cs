using System.Buffers;

namespace SocketKit.TestPeer;

/// <summary>Counts the frames of which the length is there, in four bytes, and nothing else yet.</summary>
internal sealed class CountingFramer(IFramer inner) : IFramer
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private int _awaited = int.MaxValue;

    public Frame Read(Span<byte> input, long resume)
    {
        if (input.Length == sizeof(int))
        {
            lock (_gate)
            {
                _count++;
                Check();
            }
        }

        return inner.Read(input, resume);
    }

    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output) => inner.Write(message, output);

    /// <summary>Completes when so many were seen.</summary>
    public Task WaitForAsync(int count)
    {
        lock (_gate)
        {
            _awaited = count;
            Check();
        }

        return _reached.Task;
    }

    private void Check()
    {
        if (_count >= _awaited)
        {
            _reached.TrySetResult();
        }
    }
}
