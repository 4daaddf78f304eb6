using System.Buffers.Binary;

namespace SocketKit.Tests.Framing;

/// <summary>The contract over each width, order and layout that can be written.</summary>
public abstract class LengthPrefixContract : FramerContract
{
    protected abstract LengthPrefixedOptions Options { get; }

    protected override byte[] Alphabet => [0, 0, 1, 2, 5, 0x80, 0xFF];

    protected override IEnumerable<byte[]> TrickyMessages => [[0, 0, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF], new byte[9]];

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", null, 0)];

    protected override IFramer Create(int maxLength = int.MaxValue)
    {
        var options = Options;
        options.MaxLength = maxLength;
        return Framers.LengthPrefixed(options);
    }
}

public sealed class OneByteLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { Field = LengthField.OneByte };

    protected override int Longest => byte.MaxValue;
}

public sealed class TwoBytesLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { Field = LengthField.TwoBytes };

    protected override int Longest => ushort.MaxValue;
}

public sealed class TwoBytesLittleEndianLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { Field = LengthField.TwoBytes, ByteOrder = ByteOrder.LittleEndian };

    protected override int Longest => ushort.MaxValue;
}

public sealed class ThreeBytesLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { Field = LengthField.ThreeBytes };
}

public sealed class FourBytesLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new();

    // "GET " as a number is 1.2 billion: a message that never comes. The connection's limit ends it; 0xFF is too large for any buffer.
    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage =>
        [("GET / HTTP/1.1\r\n\r\n", null, 0), ("\xFF\xFF\xFF\xFF", typeof(FrameTooLargeException), 0)];
}

public sealed class FourBytesLittleEndianLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { ByteOrder = ByteOrder.LittleEndian };
}

public sealed class EightBytesLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { Field = LengthField.EightBytes };

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage =>
        [("GET / HTTP/1.1\r\n\r\n", typeof(FrameTooLargeException), 0), ("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", typeof(FramingException), 0)];
}

public sealed class VarintLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { Field = LengthField.Varint };

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", typeof(FramingException), 0)];
}

/// <summary>The value counts its own four bytes.</summary>
public sealed class SelfCountingLengthTests : LengthPrefixContract
{
    protected override LengthPrefixedOptions Options => new() { Adjustment = -4 };

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("\0\0\0\x03", typeof(FramingException), 0)];
}

/// <summary>Two bytes, then the length, then two that it does not count; the message holds all of it.</summary>
public sealed class WholeFrameTests : LengthPrefixContract
{
    protected override int Shortest => 6;

    protected override LengthPrefixedOptions Options => new() { Field = LengthField.TwoBytes, FieldOffset = 2, Adjustment = 2, BytesToStrip = 0 };

    protected override IEnumerable<byte[]> TrickyMessages => [[0, 1, 0, 1, 0, 1, 0]];

    protected override int Longest => 60_000;

    protected override byte[] MessageOf(int length)
    {
        var message = base.MessageOf(length);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)(length - 6));
        return message;
    }
}

/// <summary>The varint is part of the message.</summary>
public sealed class WholeVarintFrameTests : LengthPrefixContract
{
    protected override int Shortest => 1;

    protected override int Longest => 16_000;

    protected override LengthPrefixedOptions Options => new() { Field = LengthField.Varint, BytesToStrip = 0 };

    protected override IEnumerable<byte[]> TrickyMessages => [[1, 0x80], [0x81, 0, 9]];

    protected override byte[] MessageOf(int length)
    {
        var message = base.MessageOf(length);
        if (length <= 128)
        {
            message[0] = (byte)(length - 1);
        }
        else
        {
            message[0] = (byte)((length - 2) | 0x80);
            message[1] = (byte)((length - 2) >> 7);
        }

        return message;
    }
}
