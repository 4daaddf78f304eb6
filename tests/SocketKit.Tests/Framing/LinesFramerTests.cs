using System.Buffers;
using System.Text;
using SocketKit.Framing;

namespace SocketKit.Tests.Framing;

public class LinesFramerTests : FramerContract
{
    protected override byte[] Alphabet => "\r\nab\0"u8.ToArray();

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage =>
    [
        ("a\rb\n", typeof(FramingException), 0),
        ("\r\r\n", typeof(FramingException), 0),
        ("GET / HTTP/1.1\r\n\r\n", null, 0),
    ];

    protected override IEnumerable<byte[]> TrickyMessages => ["\0"u8.ToArray(), "\u2028\u0085\u2029"u8.ToArray(), [0xFF, 0xC3, 0x28], "\\r\\n"u8.ToArray()];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Lines(maxLength: maxLength);

    // Streams in C# escapes; messages in the same, | between them; or the start of what the exception says.
    [Theory, Trait("Fault", "F12")]
    [InlineData(LineEnding.Any, "a\nb\r\n\n\r\n", "a|b||")]
    [InlineData(LineEnding.Any, "a\rb\n", "!A CR without LF after it")]
    [InlineData(LineEnding.Any, "a\r\r\n", "!A CR without LF after it")]
    [InlineData(LineEnding.Any, "a\n\rb\n", "!A CR without LF after it")]
    [InlineData(LineEnding.Lf, "a\nb\n\n", "a|b|")]
    [InlineData(LineEnding.Lf, "a\r\n", "!A CR in a line")]
    [InlineData(LineEnding.Lf, "a\rb\n", "!A CR in a line")]
    [InlineData(LineEnding.CrLf, "a\r\n\r\n", "a|")]
    [InlineData(LineEnding.CrLf, "a\n", "!A line ends in LF without CR")]
    [InlineData(LineEnding.CrLf, "a\rb\r\n", "!A CR without LF after it")]
    [InlineData(LineEnding.CrLf, "\n\r\n", "!A line ends in LF without CR")]
    [InlineData(LineEnding.Any, "\0a\0\n", "\0a\0")]
    [InlineData(LineEnding.Any, "a\u2028b\u2029c\u0085d\n", "a\u2028b\u2029c\u0085d")]
    [InlineData(LineEnding.Any, "a\vb\fc\n", "a\vb\fc")]
    public void Only_the_line_ends_chosen_end_a_line(LineEnding end, string stream, string expected)
    {
        foreach (var size in new[] { 1, 2, 3, 1000 })
        {
            var feed = new FrameFeed(new LinesFramer(end));
            string actual;
            try
            {
                foreach (var piece in Encoding.UTF8.GetBytes(stream).Chunk(size))
                {
                    feed.Feed(piece);
                }

                actual = string.Join('|', feed.Messages.Select(Encoding.UTF8.GetString));
            }
            catch (FramingException e)
            {
                actual = "!" + e.Message;
            }

            (expected[0] == '!' ? actual[..Math.Min(actual.Length, expected.Length)] : actual).Should().Be(expected, $"in pieces of {size}");
        }
    }

    [Fact, Trait("Fault", "F12")]
    public void Bytes_that_are_not_UTF_8_pass_unchanged()
    {
        byte[] invalid = [0xFF, 0xFE, 0xC0, 0x80, 0xED, 0xA0, 0x80, 0xF5];
        var feed = new FrameFeed(new LinesFramer());

        feed.Feed([.. invalid, (byte)'\n']);

        feed.Messages.Should().ContainSingle().Which.Should().Equal(invalid);
    }

    [Theory, Trait("Fault", "F12")]
    [InlineData("a\nb")]
    [InlineData("a\r")]
    [InlineData("\n")]
    [InlineData("a\r\nb")]
    public void A_message_with_CR_or_LF_in_it_is_refused_whatever_the_line_end(string message)
    {
        foreach (var end in Enum.GetValues<LineEnding>())
        {
            var output = new ArrayBufferWriter<byte>();

            new LinesFramer(end).Invoking(framer => framer.Write(Latin1(message), output)).Should().Throw<FramingException>().WithMessage("*must not hold CR or LF*");

            output.WrittenCount.Should().Be(0);
        }
    }

    [Fact]
    public void A_CR_at_the_end_of_a_piece_waits_for_its_LF_and_is_not_searched_again()
    {
        var framer = new LinesFramer();

        framer.Read("abc\r"u8.ToArray(), 0).Should().Be(Frame.NeedMore(3));
        framer.Read("abc\r\n"u8.ToArray(), 3).Should().Be(Frame.Message(0, 3, 2));
    }

    [Fact]
    public void The_line_end_does_not_count_towards_the_maximum()
    {
        var framer = new LinesFramer(LineEnding.Any, 3);

        framer.Read("abc\r\n"u8.ToArray(), 0).Should().Be(Frame.Message(0, 3, 2));
        framer.Invoking(it => it.Read("abcd"u8.ToArray(), 0)).Should().Throw<FrameTooLargeException>().Which.Length.Should().Be(4);
    }

    [Fact]
    public void It_says_what_is_missing()
    {
        IFramer framer = new LinesFramer();

        framer.DescribeIncomplete("a"u8).Should().Be("1 byte without a line end");
        framer.DescribeIncomplete("ab"u8).Should().Be("2 bytes without a line end");
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        FluentActions.Invoking(() => new LinesFramer(maxLength: 0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new LinesFramer((LineEnding)9)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*LineEnding.Any*");
    }
}

public sealed class LfLinesFramerTests : FramerContract
{
    protected override byte[] Alphabet => "\r\nab"u8.ToArray();

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage =>
        [("GET / HTTP/1.1\r\n", typeof(FramingException), 0)];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Lines(LineEnding.Lf, maxLength);
}

public sealed class CrLfLinesFramerTests : FramerContract
{
    protected override byte[] Alphabet => "\r\nab"u8.ToArray();

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage =>
        [("GET / HTTP/1.1\n", typeof(FramingException), 0), ("\r\0", typeof(FramingException), 0)];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Lines(LineEnding.CrLf, maxLength);
}
