using System.Numerics;
using CsCheck;

namespace SocketKit.Tests.Framing;

public class LengthPrefixModelTests
{
    [Fact, Trait("Fault", "F10")]
    public void Read_agrees_with_a_model_of_unlimited_integers()
    {
        var options =
            from field in Gen.Enum<LengthField>()
            from order in Gen.Enum<ByteOrder>()
            from offset in Gen.Int[0, 4]
            from adjustment in Gen.OneOf(Gen.Int[-12, 12], Gen.OneOfConst(int.MinValue, int.MaxValue, int.MinValue + 4))
            from strip in Gen.OneOf(Gen.Const((int?)null), Gen.Int[0, 14].Select(value => (int?)value))
            from max in Gen.OneOf(Gen.Const(int.MaxValue), Gen.Int[1, 300])
            select new LengthPrefixedOptions { Field = field, ByteOrder = order, FieldOffset = offset, Adjustment = adjustment, BytesToStrip = strip, MaxLength = max };
        var bytes = Gen.OneOf(Gen.OneOfConst((byte)0, (byte)1, (byte)4, (byte)12, (byte)0x7F, (byte)0x80, (byte)0xFF), Gen.Byte).Array[1, 40];

        Gen.Select(options, bytes).Sample((o, input) =>
            LengthPrefixedFramerTests.Outcome(new LengthPrefixedFramer(o), input).Should().Be(Model(o, input), $"of {o.Field} {o.ByteOrder} {o.FieldOffset} {o.Adjustment} {o.BytesToStrip}"), iter: 20_000);
    }

    /// <summary>The semantics again, in integers that cannot overflow and one byte at a time.</summary>
    private static string Model(LengthPrefixedOptions options, byte[] input)
    {
        var rest = input.Skip(options.FieldOffset).ToArray();
        BigInteger value = 0;
        int size;
        if (options.Field == LengthField.Varint)
        {
            size = Array.FindIndex(rest, b => b < 0x80) + 1;
            if (size > 10 || (size == 0 && rest.Length >= 10))
            {
                return nameof(FramingException);
            }

            if (rest.Length >= 10 && size is 10 && rest[9] > 1)
            {
                return nameof(FramingException);
            }

            if (size == 0)
            {
                return "NeedMore(0)";
            }

            for (var i = 0; i < size; i++)
            {
                value += (BigInteger)(rest[i] & 0x7F) << (7 * i);
            }
        }
        else
        {
            size = options.Field switch { LengthField.OneByte => 1, LengthField.TwoBytes => 2, LengthField.ThreeBytes => 3, LengthField.FourBytes => 4, _ => 8 };
            if (rest.Length < size)
            {
                return "NeedMore(0)";
            }

            value = new BigInteger(rest.AsSpan(0, size), isUnsigned: true, isBigEndian: options.ByteOrder == ByteOrder.BigEndian);
        }

        var header = options.FieldOffset + size;
        var total = value + options.Adjustment + header;
        var strip = options.BytesToStrip ?? header;
        return value >= BigInteger.Pow(2, 63) || total < header ? nameof(FramingException)
            : total - strip > options.MaxLength ? nameof(FrameTooLargeException)
            : total < strip ? nameof(FramingException)
            : total > input.Length ? $"NeedTotal({total})"
            : $"Message({strip}, {total - strip}, 0)";
    }
}
