using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>
/// Messages with their length in front: a field of 1, 2, 3, 4 or 8 bytes or a varint, perhaps not the first in the header. A length that is
/// negative, too small for its own header or too large ends the connection before any memory is spent. The semantics are those of Netty's
/// <c>LengthFieldBasedFrameDecoder</c>; see <see cref="LengthPrefixedOptions"/>. Thread-safe and stateless.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class LengthPrefixedFramer : IFramer, IFramerFacts
{
    private const int MaxVarint = 10;
    private const int MaxFieldOffset = ushort.MaxValue;

    private readonly LengthField _field;
    private readonly bool _littleEndian;
    private readonly int _offset;
    private readonly int _fieldSize;     // 0 for a varint
    private readonly int _headerLength;  // offset and field; 0 for a varint
    private readonly long _largestValue;
    private readonly int _adjustment;
    private readonly int _strip;         // -1: up to the end of the field, wherever a varint ends
    private readonly int _maxLength;

    // The usual header: four bytes in network order that count the message alone, stripped. It has a path of its own, since this is most of
    // what a framer costs.
    private readonly bool _isUsual;

    /// <summary>Makes a framer from options, which are copied.</summary>
    /// <param name="options">The options. Default: four bytes, highest first, not part of the message.</param>
    /// <exception cref="OptionsException">An option is out of its range; the message says what to type.</exception>
    public LengthPrefixedFramer(LengthPrefixedOptions? options = null)
    {
        options ??= new LengthPrefixedOptions();
        Check(Enum.IsDefined(options.Field), nameof(options.Field), $"{(int)options.Field} is no kind of length field; use LengthField.FourBytes or another of its values");
        Check(Enum.IsDefined(options.ByteOrder), nameof(options.ByteOrder), $"{(int)options.ByteOrder} is no byte order; use ByteOrder.BigEndian or ByteOrder.LittleEndian");
        Check(options.FieldOffset is >= 0 and <= MaxFieldOffset, nameof(options.FieldOffset), $"{options.FieldOffset} is outside of 0 to {MaxFieldOffset}");
        Check(options.BytesToStrip is null or >= 0, nameof(options.BytesToStrip), $"{options.BytesToStrip} is below 0; use null to strip the header, 0 to strip nothing");
        Check(options.MaxLength >= 1, nameof(options.MaxLength), $"{options.MaxLength} is below 1; leave it unset for no limit but ConnectionOptions.MaxFrameLength");

        _field = options.Field;
        _littleEndian = options.ByteOrder == ByteOrder.LittleEndian;
        _offset = options.FieldOffset;
        _fieldSize = options.Field switch
        {
            LengthField.OneByte => 1,
            LengthField.TwoBytes => 2,
            LengthField.ThreeBytes => 3,
            LengthField.FourBytes => 4,
            LengthField.EightBytes => 8,
            _ => 0,
        };
        _headerLength = _fieldSize == 0 ? 0 : _offset + _fieldSize;
        _largestValue = _fieldSize is 0 or 8 ? long.MaxValue : (1L << (8 * _fieldSize)) - 1;
        _adjustment = options.Adjustment;
        _strip = options.BytesToStrip ?? (_fieldSize == 0 ? -1 : _headerLength);
        _maxLength = options.MaxLength;
        _isUsual = _field == LengthField.FourBytes && !_littleEndian && _offset == 0 && _adjustment == 0 && _strip == _headerLength;
        CanWrite = _strip == 0 || (_offset == 0 && (_strip == -1 || _strip == _headerLength));

        static void Check([DoesNotReturnIf(false)] bool holds, string option, string message)
        {
            if (!holds)
            {
                throw new OptionsException($"LengthPrefixedOptions.{option}", message);
            }
        }
    }

    /// <summary>
    /// Whether <see cref="Write"/> can do its work. True when exactly the length field is stripped: it is put on by the framer. True when
    /// nothing is stripped: then the message to send holds its header, right length included. False in all other cases, since the bytes
    /// that Read strips and that are not the length are known to nobody.
    /// </summary>
    public bool CanWrite { get; }

    long IFramerFacts.ShortestFrame => Math.Max(_fieldSize == 0 ? _offset + 1L : _headerLength, _strip);

    IReadOnlyList<FramerText> IFramerFacts.Texts => [];

    /// <summary>For people and debuggers: <c>LengthPrefixedFramer, FourBytes, at most 512 bytes</c>.</summary>
    public override string ToString() =>
        $"LengthPrefixedFramer, {_field}{(_littleEndian ? ", little-endian" : "")}"
        + $"{(_offset > 0 ? $" at {_offset}" : "")}{SocketKitText.AtMost(_maxLength)}";

    /// <inheritdoc/>
    public Frame Read(Span<byte> input, long resume)
    {
        if (_isUsual && input.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32BigEndian(input) is var usual && usual <= (uint)_maxLength)
        {
            return usual <= (uint)(input.Length - sizeof(uint)) ? Frame.Message(sizeof(uint), (int)usual) : Frame.NeedTotal(usual + (long)sizeof(uint));
        }

        if (!TryMeasure(input, out var header, out var total))
        {
            return Frame.NeedMore();
        }

        var strip = _strip < 0 ? header : _strip;
        var length = total - strip;
        if (length > _maxLength)
        {
            throw new FrameTooLargeException(length, _maxLength);
        }

        if (length < 0)
        {
            ThrowShorterThanStrip(total, strip);
        }

        return total > input.Length ? Frame.NeedTotal(total) : Frame.Message(strip, (int)length);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// With <see cref="LengthPrefixedOptions.BytesToStrip"/> 0 the message must be a whole frame whose length field is right. When
    /// <see cref="CanWrite"/> is false every message is refused with a <see cref="FramingException"/>.
    /// </remarks>
    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (message.Length > _maxLength)
        {
            throw new FrameTooLargeException(message.Length, _maxLength);
        }

        if (_isUsual && message.Length <= Array.MaxLength - sizeof(uint))
        {
            var length = sizeof(uint) + message.Length;
            var usual = output.GetSpan(length)[..length];
            BinaryPrimitives.WriteUInt32BigEndian(usual, (uint)message.Length);
            message.CopyTo(usual[sizeof(uint)..]);
            output.Advance(length);
            return;
        }

        if (!CanWrite)
        {
            throw new FramingException("With these LengthPrefixedOptions messages can only be read: bytes other than the length field are stripped, and only you know them. Set BytesToStrip = 0 and send the header as part of the message");
        }

        var header = 0;
        long value = 0;
        if (_strip == 0)
        {
            CheckWholeFrame(message);
        }
        else
        {
            value = FieldValue(message.Length);
            header = _fieldSize != 0 ? _fieldSize : VarintSize(value);
        }

        var frame = FrameOutput.Reserve(output, (long)header + message.Length);
        if (header != 0)
        {
            WriteField(frame[..header], (ulong)value);
        }

        message.CopyTo(frame[header..]);
        output.Advance(frame.Length);
    }

    /// <inheritdoc/>
    public string DescribeIncomplete(ReadOnlySpan<byte> input)
    {
        if (TryMeasure(input, out _, out var total))
        {
            return $"{input.Length} of the {FrameOutput.Bytes(total)} of a frame";
        }

        return _fieldSize == 0 ? $"{FrameOutput.Bytes(input.Length)} of an unfinished header" : $"{input.Length} of the {FrameOutput.Bytes(_headerLength)} of a header";
    }

    /// <summary>
    /// Reads the header. False: it is not whole yet. The total is never below the header, and never more than a long can hold.
    /// </summary>
    private bool TryMeasure(ReadOnlySpan<byte> input, out int header, out long total)
    {
        ulong value;
        header = _headerLength;
        if (_fieldSize == 0)
        {
            if (!TryReadVarint(input, out header, out value))
            {
                total = 0;
                return false;
            }
        }
        else if (input.Length < header)
        {
            total = 0;
            return false;
        }
        else
        {
            value = ReadField(input[_offset..]);
        }

        if (value > long.MaxValue)
        {
            ThrowNegative(value);
        }

        // header and adjustment stay below 2^32 in all, so only a value near 2^63 can overflow; it is too large in any case.
        total = value > long.MaxValue / 2 ? long.MaxValue : (long)value + _adjustment + header;
        if (total < header)
        {
            ThrowShorterThanHeader(value);
        }

        return true;
    }

    private ulong ReadField(ReadOnlySpan<byte> field) => _field switch
    {
        LengthField.FourBytes => _littleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(field) : BinaryPrimitives.ReadUInt32BigEndian(field),
        LengthField.OneByte => field[0],
        LengthField.TwoBytes => _littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(field) : BinaryPrimitives.ReadUInt16BigEndian(field),
        LengthField.ThreeBytes => _littleEndian ? (uint)(field[0] | (field[1] << 8) | (field[2] << 16)) : (uint)((field[0] << 16) | (field[1] << 8) | field[2]),
        _ => _littleEndian ? BinaryPrimitives.ReadUInt64LittleEndian(field) : BinaryPrimitives.ReadUInt64BigEndian(field),
    };

    private bool TryReadVarint(ReadOnlySpan<byte> input, out int header, out ulong value)
    {
        value = 0;
        for (var i = 0; i < MaxVarint; i++)
        {
            header = _offset + i + 1;
            if (input.Length < header)
            {
                return false;
            }

            var b = input[header - 1];
            if (i == MaxVarint - 1 && b > 1)
            {
                break;
            }

            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80)
            {
                return true;
            }
        }

        throw new FramingException("The length, a varint, has more than 64 bits");
    }

    /// <summary>What is stripped on reading is exactly the field, so the bytes after the field are the message.</summary>
    private long FieldValue(int messageLength)
    {
        var value = (long)messageLength - _adjustment;
        if (value < 0)
        {
            throw new FramingException($"A message of {FrameOutput.Bytes(messageLength)} cannot be sent with an Adjustment of {_adjustment}: its length field would be negative");
        }

        return value <= _largestValue ? value : throw new FrameTooLargeException(messageLength, _largestValue + _adjustment);
    }

    private static int VarintSize(long value) => 1 + (BitOperations.Log2((ulong)value) / 7);

    private void WriteField(Span<byte> field, ulong value)
    {
        switch (_field)
        {
            case LengthField.FourBytes when !_littleEndian:
                BinaryPrimitives.WriteUInt32BigEndian(field, (uint)value);
                break;

            case LengthField.Varint:
                for (var i = 0; i < field.Length; i++, value >>= 7)
                {
                    field[i] = (byte)(i == field.Length - 1 ? value : value | 0x80);
                }

                break;

            default:
                for (var i = 0; i < field.Length; i++, value >>= 8)
                {
                    field[_littleEndian ? i : field.Length - 1 - i] = (byte)value;
                }

                break;
        }
    }

    private void CheckWholeFrame(ReadOnlySpan<byte> message)
    {
        if (!TryMeasure(message, out _, out var total))
        {
            throw new FramingException($"A message must hold its whole header when BytesToStrip is 0; this one has {FrameOutput.Bytes(message.Length)}");
        }

        if (total != message.Length)
        {
            throw new FramingException($"The length field in the message stands for a frame of {FrameOutput.Bytes(total)}, but the message has {message.Length}");
        }
    }

    [DoesNotReturn]
    private static void ThrowNegative(ulong value) => throw new FramingException($"The length is negative: {(long)value}");

    [DoesNotReturn]
    private void ThrowShorterThanHeader(ulong value) =>
        throw new FramingException($"The length {value} with an adjustment of {_adjustment} makes a frame shorter than its header");

    [DoesNotReturn]
    private static void ThrowShorterThanStrip(long total, int strip) =>
        throw new FramingException($"The frame has {FrameOutput.Bytes(total)}, fewer than the {strip} that are to be stripped");
}
