using System.Buffers;
using System.Buffers.Binary;
using SocketKit;

namespace CustomFraming;

/// <summary>
/// Telegrams of a made-up field bus, all numbers with the highest byte first:
/// <code>
/// AA 55 | length of type and body, 2 bytes | type, 1 byte | body | CRC-16 of length, type and body, 2 bytes
/// </code>
/// A message is the type followed by the body. What does not fit is skipped, and reading goes on at the next sync word.
/// </summary>
internal sealed class TelegramFramer : IFramer
{
    public const int MaxLength = 1024;

    private const int HeaderLength = 4;
    private const int TrailerLength = 2;

    private static ReadOnlySpan<byte> Sync => [0xAA, 0x55];

    public Frame Read(Span<byte> input, long resume)
    {
        if (!input.StartsWith(Sync))
        {
            return SkipToSync(input);
        }

        if (input.Length < HeaderLength)
        {
            return Frame.NeedTotal(HeaderLength);
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(input[2..]);
        if (length is 0 or > MaxLength)
        {
            // No telegram begins here. Only the sync word is skipped: a good telegram may begin in the bytes behind it.
            return Frame.Discard(Sync.Length);
        }

        int total = HeaderLength + length + TrailerLength;
        if (input.Length < total)
        {
            return Frame.NeedTotal(total);
        }

        ushort crc = BinaryPrimitives.ReadUInt16BigEndian(input[(total - TrailerLength)..]);
        return crc == Crc16.Of(input[Sync.Length..(total - TrailerLength)])
            ? Frame.Message(HeaderLength, length, TrailerLength)
            : Frame.Discard(Sync.Length);
    }

    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        if (message.Length is 0 or > MaxLength)
        {
            throw new FramingException($"A telegram holds 1 to {MaxLength} bytes, not {message.Length}");
        }

        int total = HeaderLength + message.Length + TrailerLength;
        Span<byte> frame = output.GetSpan(total)[..total];
        Sync.CopyTo(frame);
        BinaryPrimitives.WriteUInt16BigEndian(frame[2..], (ushort)message.Length);
        message.CopyTo(frame[HeaderLength..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[(total - TrailerLength)..], Crc16.Of(frame[Sync.Length..(total - TrailerLength)]));
        output.Advance(total);
    }

    private static Frame SkipToSync(ReadOnlySpan<byte> input)
    {
        int sync = input.IndexOf(Sync);
        if (sync < 0)
        {
            // The last byte may be the first half of a sync word.
            sync = input[^1] == Sync[0] ? input.Length - 1 : input.Length;
        }

        return sync == 0 ? Frame.NeedMore() : Frame.Discard(sync);
    }
}
