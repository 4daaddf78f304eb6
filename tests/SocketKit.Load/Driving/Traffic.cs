using System.Buffers.Binary;
using System.Numerics;

namespace SocketKit.Load.Driving;

/// <summary>
/// What is sent, and what must come back: frames of a 4-byte big-endian length, 8 bytes that name the connection and count its messages (as
/// many of them as fit), and a pattern. Not thread-safe.
/// </summary>
internal sealed class Traffic : ITraffic
{
    private const int Header = 4;
    private const int Counter = 8;

    // Frames in a row, each with another pattern, and then the same again: any run of them lies in one piece.
    private readonly byte[] _frames;
    private readonly int _mask;
    private readonly int _size;
    private readonly int _frame;
    private readonly int _counter;

    /// <param name="size">Bytes of a message, without its length.</param>
    /// <param name="slots">How many messages are written at once, at most.</param>
    public Traffic(int size, int slots)
    {
        _size = size;
        Slots = slots;
        slots = (int)BitOperations.RoundUpToPowerOf2((uint)slots);
        _mask = slots - 1;
        _frame = Header + size;
        _counter = Math.Min(Counter, size);
        _frames = new byte[2 * slots * _frame];
        for (var i = 0; i < 2 * slots; i++)
        {
            var frame = _frames.AsSpan(i * _frame, _frame);
            BinaryPrimitives.WriteInt32BigEndian(frame, size);
            new Random(i % slots).NextBytes(frame[Header..]);
        }
    }

    public int FrameLength => _frame;

    public int Slots { get; }

    public ReadOnlySpan<byte> Write(int link, long first, int count)
    {
        var frames = _frames.AsSpan((int)(first & _mask) * _frame, count * _frame);
        if (_counter == Counter)
        {
            for (var i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(frames[((i * _frame) + Header)..], CounterOf(link, first + i));
            }

            return frames;
        }

        Span<byte> counter = stackalloc byte[Counter];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(counter, CounterOf(link, first + i));
            counter[.._counter].CopyTo(frames[((i * _frame) + Header)..]);
        }

        return frames;
    }

    public int Check(Link link, ReadOnlySpan<byte> bytes) => Check(link, bytes, link.Index);

    /// <summary>Holds what a link received against what another link wrote.</summary>
    public int Check(Link link, ReadOnlySpan<byte> bytes, int writer)
    {
        var complete = 0;
        if (link.ReceivedOfNext == 0 && _counter == Counter)
        {
            while (bytes.Length >= _frame && IsWhole(link.Received, bytes[.._frame], writer))
            {
                bytes = bytes[_frame..];
                link.Received++;
                complete++;
            }
        }

        // Pieces, and what is wrong: found again here, with its place.
        while (!bytes.IsEmpty)
        {
            var part = bytes[..Math.Min(bytes.Length, _frame - link.ReceivedOfNext)];
            CheckPart(link, part, writer);
            bytes = bytes[part.Length..];
            link.ReceivedOfNext += part.Length;
            if (link.ReceivedOfNext == _frame)
            {
                link.ReceivedOfNext = 0;
                link.Received++;
                complete++;
            }
        }

        return complete;
    }

    private static ulong CounterOf(int link, long message) => ((ulong)link << 40) ^ (ulong)message;

    private bool IsWhole(long message, ReadOnlySpan<byte> frame, int writer) =>
        BinaryPrimitives.ReadInt32BigEndian(frame) == _size
        && BinaryPrimitives.ReadUInt64LittleEndian(frame[Header..]) == CounterOf(writer, message)
        && frame[(Header + Counter)..].SequenceEqual(_frames.AsSpan(((int)(message & _mask) * _frame) + Header + Counter, frame.Length - Header - Counter));

    private void CheckPart(Link link, ReadOnlySpan<byte> part, int writer)
    {
        var at = link.ReceivedOfNext;
        var frame = _frames.AsSpan((int)(link.Received & _mask) * _frame, _frame);
        var head = Header + _counter;
        if (at < head)
        {
            Span<byte> expected = stackalloc byte[Header + Counter];
            BinaryPrimitives.WriteInt32BigEndian(expected, _size);
            BinaryPrimitives.WriteUInt64LittleEndian(expected[Header..], CounterOf(writer, link.Received));
            var length = Math.Min(part.Length, head - at);
            Compare(link, at, expected.Slice(at, length), part[..length]);
            part = part[length..];
            at += length;
        }

        Compare(link, at, frame.Slice(at, part.Length), part);
    }

    private static void Compare(Link link, int at, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        if (!expected.SequenceEqual(actual))
        {
            var wrong = expected.CommonPrefixLength(actual);
            throw new WrongReplyException(
                $"Connection {link.Index}, message {link.Received}: byte {at + wrong} of the echo is {actual[wrong]:X2} and not {expected[wrong]:X2} (the first 4 are the length).");
        }
    }
}
