using System.Buffers.Binary;
using System.Net.Sockets;
using System.Numerics;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// Reads length-prefixed frames of many senders to the end of the stream, and checks of each that it is whole, unmixed and the next of its
/// sender.
/// </summary>
internal sealed class CheckedReader(RawPeer peer, int senders)
{
    private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private int _awaited = int.MaxValue;

    /// <summary>Frames per sender.</summary>
    public int[] Frames { get; } = new int[senders];

    /// <summary>The stream ended inside a frame.</summary>
    public bool Truncated { get; private set; }

    /// <summary>A frame: sender, number, checksum, filling.</summary>
    public static byte[] Make(byte sender, int number, int length)
    {
        var frame = new byte[9 + length];
        frame[0] = sender;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), number);
        new Random(number).NextBytes(frame.AsSpan(9));
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(5), Checksum(frame));
        return frame;
    }

    public async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(await peer.ReceiveAsync(4));
                length.Should().BeInRange(9, 30_000);
                Truncated = true;
                var frame = await peer.ReceiveAsync(length);
                Truncated = false;
                var sender = frame[0];
                BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(1)).Should().Be(Frames[sender]++);
                BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(5)).Should().Be(Checksum(frame));
                if (++_count >= Volatile.Read(ref _awaited))
                {
                    _seen.TrySetResult();
                }
            }
        }
        catch (Exception exception) when (exception is EndOfStreamException or SocketException or ObjectDisposedException)
        {
            // The end, one way or another.
            _seen.TrySetResult();
        }
    }

    /// <summary>Completes when so many frames were seen, or at the end.</summary>
    public Task SeenAsync(int count)
    {
        Volatile.Write(ref _awaited, count);
        return _seen.Task.WaitAsync(TestServer.Patience);
    }

    private static uint Checksum(ReadOnlySpan<byte> frame)
    {
        var checksum = 0u;
        foreach (var one in frame[..5])
        {
            checksum = BitOperations.Crc32C(checksum, one);
        }

        foreach (var one in frame[9..])
        {
            checksum = BitOperations.Crc32C(checksum, one);
        }

        return checksum;
    }
}
