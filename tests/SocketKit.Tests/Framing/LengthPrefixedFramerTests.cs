using System.Buffers;
using SocketKit.Framing;

namespace SocketKit.Tests.Framing;

public class LengthPrefixedFramerTests
{
    private const string Twelve = "48454C4C4F2C20574F524C44"; // HELLO, WORLD: 12 bytes

    // Field, byte order, offset, adjustment, strip (-1: default), input, and what Read says. Worked out by hand from
    // frame = offset + field + value + adjustment, message = frame without strip.
    [Theory, Trait("Fault", "F10")]
    // Every width and order: the smallest, a small one, the largest.
    [InlineData(LengthField.OneByte, false, 0, 0, -1, "00", "Message(1, 0, 0)")]
    [InlineData(LengthField.OneByte, false, 0, 0, -1, "02AABB", "Message(1, 2, 0)")]
    [InlineData(LengthField.OneByte, false, 0, 0, -1, "FF", "NeedTotal(256)")]
    [InlineData(LengthField.TwoBytes, false, 0, 0, -1, "0000", "Message(2, 0, 0)")]
    [InlineData(LengthField.TwoBytes, false, 0, 0, -1, "0001AA", "Message(2, 1, 0)")]
    [InlineData(LengthField.TwoBytes, true, 0, 0, -1, "0001AA", "NeedTotal(258)")]
    [InlineData(LengthField.TwoBytes, true, 0, 0, -1, "0100AA", "Message(2, 1, 0)")]
    [InlineData(LengthField.TwoBytes, false, 0, 0, -1, "8000", "NeedTotal(32770)")]
    [InlineData(LengthField.TwoBytes, false, 0, 0, -1, "FFFF", "NeedTotal(65537)")]
    [InlineData(LengthField.ThreeBytes, false, 0, 0, -1, "000001AA", "Message(3, 1, 0)")]
    [InlineData(LengthField.ThreeBytes, true, 0, 0, -1, "010000AA", "Message(3, 1, 0)")]
    [InlineData(LengthField.ThreeBytes, false, 0, 0, -1, "010203", "NeedTotal(66054)")]
    [InlineData(LengthField.ThreeBytes, true, 0, 0, -1, "010203", "NeedTotal(197124)")]
    [InlineData(LengthField.ThreeBytes, false, 0, 0, -1, "800000", "NeedTotal(8388611)")]
    [InlineData(LengthField.ThreeBytes, true, 0, 0, -1, "FFFFFF", "NeedTotal(16777218)")]
    [InlineData(LengthField.FourBytes, false, 0, 0, -1, "00000001AA", "Message(4, 1, 0)")]
    [InlineData(LengthField.FourBytes, true, 0, 0, -1, "01000000AA", "Message(4, 1, 0)")]
    [InlineData(LengthField.FourBytes, false, 0, 0, -1, "7FFFFFFF", "NeedTotal(2147483651)")]
    [InlineData(LengthField.FourBytes, true, 0, 0, -1, "FFFFFF7F", "NeedTotal(2147483651)")]
    [InlineData(LengthField.FourBytes, false, 0, 0, -1, "80000000", "FrameTooLargeException")]
    [InlineData(LengthField.FourBytes, false, 0, 0, -1, "FFFFFFFF", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "0000000000000001AA", "Message(8, 1, 0)")]
    [InlineData(LengthField.EightBytes, true, 0, 0, -1, "0100000000000000AA", "Message(8, 1, 0)")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "000000007FFFFFFF", "NeedTotal(2147483655)")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "0000000080000000", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "00000000FFFFFFFF", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "0000000100000000", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "7FFFFFFFFFFFFFFF", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "8000000000000000", "FramingException")]
    [InlineData(LengthField.EightBytes, true, 0, 0, -1, "0000000000000080", "FramingException")]
    [InlineData(LengthField.EightBytes, false, 0, 0, -1, "FFFFFFFFFFFFFFFF", "FramingException")]
    // Varints: one byte, two, padded, the largest of 32 and 63 bits, 64 bits (negative), and too many.
    [InlineData(LengthField.Varint, false, 0, 0, -1, "00", "Message(1, 0, 0)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "01AA", "Message(1, 1, 0)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "7F", "NeedTotal(128)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "8001", "NeedTotal(130)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "AC02", "NeedTotal(302)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "8180808000AA", "Message(5, 1, 0)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "FFFFFFFF07", "NeedTotal(2147483652)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "FFFFFFFF0F", "FrameTooLargeException")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "FFFFFFFFFFFFFFFF7F", "FrameTooLargeException")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "FFFFFFFFFFFFFFFFFF01", "FramingException")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "FFFFFFFFFFFFFFFFFF02", "FramingException")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "80808080808080808080", "FramingException")]
    [InlineData(LengthField.Varint, false, 2, 0, -1, "CAFE01AA", "Message(3, 1, 0)")]
    [InlineData(LengthField.Varint, false, 0, 0, 0, "02AABB", "Message(0, 3, 0)")]
    [InlineData(LengthField.Varint, false, 0, -1, -1, "00", "FramingException")]
    // A header that is not whole.
    [InlineData(LengthField.FourBytes, false, 0, 0, -1, "000000", "NeedMore(0)")]
    [InlineData(LengthField.TwoBytes, false, 3, 0, -1, "01020304", "NeedMore(0)")]
    [InlineData(LengthField.Varint, false, 0, 0, -1, "8080", "NeedMore(0)")]
    [InlineData(LengthField.Varint, false, 2, 0, -1, "01", "NeedMore(0)")]
    // The seven kinds of layout: as it is, stripped, a value that counts the field, bytes before it, bytes after it, both, both counted.
    [InlineData(LengthField.TwoBytes, false, 0, 0, 0, "000C" + Twelve, "Message(0, 14, 0)")]
    [InlineData(LengthField.TwoBytes, false, 0, 0, 2, "000C" + Twelve, "Message(2, 12, 0)")]
    [InlineData(LengthField.TwoBytes, false, 0, -2, 0, "000E" + Twelve, "Message(0, 14, 0)")]
    [InlineData(LengthField.ThreeBytes, false, 2, 0, 0, "CAFE00000C" + Twelve, "Message(0, 17, 0)")]
    [InlineData(LengthField.ThreeBytes, false, 0, 2, 0, "00000CCAFE" + Twelve, "Message(0, 17, 0)")]
    [InlineData(LengthField.TwoBytes, false, 1, 1, 3, "CA000CFE" + Twelve, "Message(3, 13, 0)")]
    [InlineData(LengthField.TwoBytes, false, 1, -3, 3, "CA0010FE" + Twelve, "Message(3, 13, 0)")]
    // Adjustments at their bounds: never a negative length, never one that wrapped round.
    [InlineData(LengthField.FourBytes, false, 0, -4, -1, "00000003", "FramingException")]
    [InlineData(LengthField.FourBytes, false, 0, -4, -1, "00000004", "Message(4, 0, 0)")]
    [InlineData(LengthField.FourBytes, false, 0, -4, -1, "00000000", "FramingException")]
    [InlineData(LengthField.FourBytes, false, 0, 5, -1, "00000000", "NeedTotal(9)")]
    [InlineData(LengthField.FourBytes, false, 0, int.MinValue, -1, "80000000", "Message(4, 0, 0)")]
    [InlineData(LengthField.FourBytes, false, 0, int.MinValue, -1, "7FFFFFFF", "FramingException")]
    [InlineData(LengthField.FourBytes, false, 0, int.MaxValue, -1, "00000000", "NeedTotal(2147483651)")]
    [InlineData(LengthField.FourBytes, false, 0, int.MaxValue, -1, "00000001", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, int.MaxValue, -1, "7FFFFFFFFFFFFFFF", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, int.MinValue, -1, "7FFFFFFFFFFFFFFF", "FrameTooLargeException")]
    [InlineData(LengthField.EightBytes, false, 0, int.MaxValue, -1, "FFFFFFFFFFFFFFFF", "FramingException")]
    [InlineData(LengthField.OneByte, false, 65535, 0, -1, "00", "NeedMore(0)")]
    // Strip: a part of the header, all of a short frame, more than the frame.
    [InlineData(LengthField.FourBytes, false, 0, 0, 1, "00000001AA", "Message(1, 4, 0)")]
    [InlineData(LengthField.OneByte, false, 0, 0, 3, "02AABB", "Message(3, 0, 0)")]
    [InlineData(LengthField.OneByte, false, 0, 0, 4, "02AABB", "FramingException")]
    [InlineData(LengthField.OneByte, false, 0, 0, int.MaxValue, "02AABB", "FramingException")]
    public void Read_follows_the_boundary_table(LengthField field, bool little, int offset, int adjustment, int strip, string input, string expected)
    {
        var framer = Framers.LengthPrefixed(new LengthPrefixedOptions
        {
            Field = field,
            ByteOrder = little ? ByteOrder.LittleEndian : ByteOrder.BigEndian,
            FieldOffset = offset,
            Adjustment = adjustment,
            BytesToStrip = strip < 0 ? null : strip,
        });

        Outcome(framer, Convert.FromHexString(input)).Should().Be(expected);
    }

    [Theory, Trait("Fault", "F07")]
    [InlineData("00000065", 101)]
    [InlineData("7FFFFFFF", int.MaxValue)]
    [InlineData("FFFFFFFF", uint.MaxValue)]
    public void An_announced_length_above_the_maximum_is_refused_on_the_header_alone(string header, long length)
    {
        var framer = Framers.LengthPrefixed(maxLength: 100);
        var input = Convert.FromHexString(header);
        framer.Invoking(it => it.Read(input, 0)).Should().Throw<FrameTooLargeException>().Where(e => e.Length == length && e.Maximum == 100);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Outcome(framer, input);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(16 * 1024, "only the exception is made");
    }

    [Theory, Trait("Fault", "F07")]
    [InlineData("00100000", false)]
    [InlineData("000FFFFC", true)]
    [InlineData("7FFFFFFF", false)]
    [InlineData("FFFFFFFF", false)]
    public void Without_a_maximum_of_its_own_the_limit_of_the_connection_holds(string header, bool waits)
    {
        var feed = new FrameFeed(Framers.LengthPrefixed(), maxFrameLength: 1024 * 1024);
        var act = () => feed.Feed(Convert.FromHexString(header));

        if (waits)
        {
            act.Should().NotThrow();
            feed.DescribeIncomplete().Should().Be("4 of the 1048576 bytes of a frame");
        }
        else
        {
            act.Should().Throw<FrameTooLargeException>();
        }
    }

    [Fact, Trait("Fault", "F07")]
    public void A_length_of_minus_one_in_eight_bytes_breaks_the_protocol()
    {
        Framers.LengthPrefixed(LengthField.EightBytes).Invoking(framer => framer.Read(Convert.FromHexString("FFFFFFFFFFFFFFFF"), 0))
            .Should().ThrowExactly<FramingException>().WithMessage("The length is negative: -1");
    }

    // Field, byte order, adjustment, message length, header written or the exception.
    [Theory, Trait("Fault", "F10")]
    [InlineData(LengthField.OneByte, false, 0, 255, "FF")]
    [InlineData(LengthField.OneByte, false, 0, 256, "FrameTooLargeException")]
    [InlineData(LengthField.OneByte, false, 1, 256, "FF")]
    [InlineData(LengthField.OneByte, false, -1, 255, "FrameTooLargeException")]
    [InlineData(LengthField.OneByte, false, 3, 2, "FramingException")]
    [InlineData(LengthField.OneByte, false, 3, 3, "00")]
    [InlineData(LengthField.TwoBytes, false, 0, 258, "0102")]
    [InlineData(LengthField.TwoBytes, true, 0, 258, "0201")]
    [InlineData(LengthField.TwoBytes, false, 0, 65535, "FFFF")]
    [InlineData(LengthField.TwoBytes, false, 0, 65536, "FrameTooLargeException")]
    [InlineData(LengthField.TwoBytes, false, -2, 12, "000E")]
    [InlineData(LengthField.ThreeBytes, false, 0, 66051, "010203")]
    [InlineData(LengthField.ThreeBytes, true, 0, 66051, "030201")]
    [InlineData(LengthField.FourBytes, false, 0, 66051, "00010203")]
    [InlineData(LengthField.FourBytes, true, 0, 66051, "03020100")]
    [InlineData(LengthField.FourBytes, false, int.MinValue, 1, "80000001")]
    [InlineData(LengthField.EightBytes, false, 0, 66051, "0000000000010203")]
    [InlineData(LengthField.EightBytes, true, 0, 66051, "0302010000000000")]
    [InlineData(LengthField.Varint, false, 0, 0, "00")]
    [InlineData(LengthField.Varint, false, 0, 127, "7F")]
    [InlineData(LengthField.Varint, false, 0, 128, "8001")]
    [InlineData(LengthField.Varint, false, 0, 300, "AC02")]
    [InlineData(LengthField.Varint, false, 0, 16383, "FF7F")]
    [InlineData(LengthField.Varint, false, 0, 16384, "808001")]
    [InlineData(LengthField.Varint, false, int.MinValue, 0, "8080808008")]
    public void Write_puts_the_field_on(LengthField field, bool little, int adjustment, int length, string expected)
    {
        var framer = new LengthPrefixedFramer(new LengthPrefixedOptions { Field = field, ByteOrder = little ? ByteOrder.LittleEndian : ByteOrder.BigEndian, Adjustment = adjustment });
        var output = new ArrayBufferWriter<byte>();
        string actual;
        try
        {
            framer.Write(new byte[length], output);
            actual = Convert.ToHexString(output.WrittenSpan[..^length]);
        }
        catch (FramingException e)
        {
            actual = e.GetType().Name;
            output.WrittenCount.Should().Be(0);
        }

        actual.Should().Be(expected);
    }

    [Theory]
    [InlineData(0, null, true)]
    [InlineData(0, 4, true)]
    [InlineData(0, 0, true)]
    [InlineData(2, 0, true)]
    [InlineData(2, null, false)]
    [InlineData(2, 2, false)]
    [InlineData(2, 6, false)]
    [InlineData(0, 2, false)]
    [InlineData(0, 5, false)]
    public void Messages_can_be_written_when_nothing_but_the_length_is_stripped(int offset, int? strip, bool can)
    {
        var framer = new LengthPrefixedFramer(new LengthPrefixedOptions { FieldOffset = offset, BytesToStrip = strip });
        var frame = new byte[offset + 4];

        framer.CanWrite.Should().Be(can);
        var act = () => framer.Write(frame, new ArrayBufferWriter<byte>());
        if (can)
        {
            act.Should().NotThrow();
        }
        else
        {
            act.Should().Throw<FramingException>().WithMessage("*can only be read*BytesToStrip = 0*");
        }
    }

    [Theory]
    [InlineData("CA0003AABB", "*frame of 6 bytes, but the message has 5")]
    [InlineData("CA0001AABB", "*frame of 4 bytes, but the message has 5")]
    [InlineData("CA00", "*must hold its whole header*2 bytes")]
    [InlineData("", "*must hold its whole header*0 bytes")]
    public void A_message_that_holds_its_header_must_hold_the_right_length(string message, string error)
    {
        var framer = new LengthPrefixedFramer(new LengthPrefixedOptions { Field = LengthField.TwoBytes, FieldOffset = 1, BytesToStrip = 0 });

        framer.Invoking(it => it.Write(Convert.FromHexString(message), new ArrayBufferWriter<byte>())).Should().Throw<FramingException>().WithMessage(error);
    }

    [Fact]
    public void It_says_what_is_missing()
    {
        Describe(new LengthPrefixedOptions(), "000000").Should().Be("3 of the 4 bytes of a header");
        Describe(new LengthPrefixedOptions(), "00000005AA").Should().Be("5 of the 9 bytes of a frame");
        Describe(new LengthPrefixedOptions { FieldOffset = 2 }, "00").Should().Be("1 of the 6 bytes of a header");
        Describe(new LengthPrefixedOptions { Field = LengthField.Varint }, "80").Should().Be("1 byte of an unfinished header");

        static string Describe(LengthPrefixedOptions options, string input) => new LengthPrefixedFramer(options).DescribeIncomplete(Convert.FromHexString(input));
    }

    [Fact]
    public void Wrong_options_are_refused_by_name()
    {
        Refused(new LengthPrefixedOptions { Field = (LengthField)77 }).Should().Be("LengthPrefixedOptions.Field");
        Refused(new LengthPrefixedOptions { ByteOrder = (ByteOrder)2 }).Should().Be("LengthPrefixedOptions.ByteOrder");
        Refused(new LengthPrefixedOptions { FieldOffset = -1 }).Should().Be("LengthPrefixedOptions.FieldOffset");
        Refused(new LengthPrefixedOptions { FieldOffset = 65_536 }).Should().Be("LengthPrefixedOptions.FieldOffset");
        Refused(new LengthPrefixedOptions { BytesToStrip = -1 }).Should().Be("LengthPrefixedOptions.BytesToStrip");
        Refused(new LengthPrefixedOptions { MaxLength = 0 }).Should().Be("LengthPrefixedOptions.MaxLength");

        static string Refused(LengthPrefixedOptions options) => FluentActions.Invoking(() => new LengthPrefixedFramer(options)).Should().Throw<OptionsException>().Which.Option;
    }

    internal static string Outcome(LengthPrefixedFramer framer, byte[] input)
    {
        try
        {
            return framer.Read(input, 0).ToString();
        }
        catch (FramingException e)
        {
            return e.GetType().Name;
        }
    }
}
