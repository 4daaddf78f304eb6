using System.Buffers;
using System.Text;
using SocketKit.Framing;

namespace SocketKit.Tests.Framing;

public class EnclosedFramerTests : FramerContract
{
    protected override byte[] Alphabet => ">><<|a"u8.ToArray();

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage =>
    [
        ("noise<<|a>>", null, 5),
        ("<<|cut<<|a>>", null, 6),
        ("<<|a>>\r\n<<|b>>\r\n", null, 4),
        ("GET / HTTP/1.1\r\n\r\n", null, 18),
        (">>>>", null, 4),
    ];

    protected override IEnumerable<byte[]> TrickyMessages => ["<"u8.ToArray(), "<<"u8.ToArray(), ">a"u8.ToArray(), "|"u8.ToArray(), ">|"u8.ToArray()];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Enclosed("<<|", ">>", maxLength);

    // Messages with ~ between them, then how many bytes are discarded and how many wait.
    [Theory]
    [InlineData("[", "]", "[a][b]", "a~b", 0, 0)]
    [InlineData("[", "]", "x[a]yz[]", "a~", 3, 0)]
    [InlineData("[", "]", "[a[b]", "b", 2, 0)]
    [InlineData("[", "]", "[a]]", "a", 1, 0)]
    [InlineData("[", "]", "[a][b", "a", 0, 2)]
    [InlineData("\x02", "\x03", "\x02" + "a\0b\x03", "a\0b", 0, 0)]
    [InlineData("~", "~", "~a~x~~", "a~x", 0, 1)]
    [InlineData("~", "~", "~a~b~c~", "a~b~c", 0, 0)]
    [InlineData("~", "~", "~~~~a~~b~~", "a~b", 3, 1)]
    [InlineData("~", "~", "a~~b~", "a~b", 0, 0)]
    [InlineData("##", "##", "##a####b##", "a~b", 0, 0)]
    [InlineData("##", "##", "####a##", "a", 2, 0)]
    [InlineData("##", "##", "###a##", "#a", 0, 0)]
    [InlineData("##", "##", "a#b###", "a#b", 0, 1)]
    [InlineData("aab", "z", "aaaabqz", "q", 2, 0)]
    [InlineData("aab", "z", "xaa", "", 1, 2)]
    [InlineData("aab", "z", "xab", "", 3, 0)]
    public void Messages_stand_between_marks_and_the_rest_is_discarded(string begin, string end, string stream, string messages, int discarded, int waiting)
    {
        for (var size = 1; size <= stream.Length; size++)
        {
            var feed = new FrameFeed(Framers.Enclosed(begin, end));
            foreach (var piece in Latin1(stream).Chunk(size))
            {
                feed.Feed(piece);
            }

            string.Join('~', feed.Messages.Select(Encoding.Latin1.GetString)).Should().Be(messages, $"in pieces of {size}");
            feed.Discarded.Should().Be(discarded);
            feed.Waiting.Should().Be(waiting);
        }
    }

    [Theory]
    [InlineData("[", "]", "a]b")]
    [InlineData("[", "]", "a[b")]
    [InlineData("[[", "]]", "a]")]
    [InlineData("~", "~", "~")]
    [InlineData("a=", "=b", "a")]
    public void A_message_that_holds_a_mark_is_refused(string begin, string end, string message)
    {
        var output = new ArrayBufferWriter<byte>();

        Framers.Enclosed(begin, end).Invoking(framer => framer.Write(Latin1(message), output)).Should().Throw<FramingException>().WithMessage("*mark at byte*");

        output.WrittenCount.Should().Be(0);
    }

    [Theory, Trait("Fault", "X06")]
    [InlineData("~")]
    [InlineData("\x7E\x7E")]
    [InlineData("=-=")]
    public void A_stray_equal_mark_costs_no_message(string mark)
    {
        var framer = Framers.Enclosed(mark, mark);
        var good = Enumerable.Range(0, 300).Select(i => $"message {i}").ToArray();
        var output = new ArrayBufferWriter<byte>();
        output.Write(Latin1(mark));
        foreach (var message in good)
        {
            framer.Write(Latin1(message), output);
        }

        var feed = new FrameFeed(framer);
        feed.Feed(output.WrittenSpan);

        feed.Messages.Select(Encoding.Latin1.GetString).Should().Equal(good);
        feed.Discarded.Should().Be(mark.Length);
        feed.Waiting.Should().Be(0);
    }

    [Theory, Trait("Fault", "X06")]
    [InlineData("~a~b~~c~~d~", "a|b|c|d", "an end mark, or a begin mark, is lost")]
    [InlineData("~aX~b~~c~~d~", "aX|b|c|d", "an end mark is changed")]
    [InlineData("~a~X b~~c~~d~", "a|X b|c|d", "a begin mark is changed")]
    [InlineData("~a~~b~b~~c~~d~", "a|b|b|c|d", "a mark is in the middle")]
    [InlineData("~a~~b~~c", "a|b", "the stream ends early")]
    public void With_equal_marks_only_the_damaged_frame_suffers(string stream, string messages, string because)
    {
        var feed = new FrameFeed(Framers.Enclosed("~", "~"));

        feed.Feed(Latin1(stream));

        string.Join('|', feed.Messages.Select(Encoding.Latin1.GetString)).Should().Be(messages, because);
    }

    [Fact, Trait("Fault", "X06")]
    public void Between_equal_marks_an_empty_message_is_refused()
    {
        IFramer framer = Framers.Enclosed("~", "~");
        var output = new ArrayBufferWriter<byte>();

        framer.Invoking(it => it.Write([], output)).Should().Throw<FramingException>().WithMessage("An empty message cannot stand between two equal marks*");

        output.WrittenCount.Should().Be(0);
        framer.DescribeIncomplete("~"u8).Should().Be("0 bytes after a begin mark without an end mark");
        framer.DescribeIncomplete("ab"u8).Should().Be("2 bytes without an end mark");
    }

    [Fact]
    public void The_marks_do_not_count_towards_the_maximum()
    {
        var framer = Framers.Enclosed("<<", ">>", 3);

        framer.Read("<<abc>>"u8.ToArray(), 0).Should().Be(Frame.Message(2, 3, 2));
        framer.Invoking(it => it.Read("<<abcd>>"u8.ToArray(), 0)).Should().Throw<FrameTooLargeException>().Which.Length.Should().Be(4);
    }

    [Fact]
    public void It_says_what_is_missing()
    {
        IFramer framer = Framers.Enclosed("<<", ">>");

        framer.DescribeIncomplete("<<a"u8).Should().Be("1 byte after a begin mark without an end mark");
        framer.DescribeIncomplete("<"u8).Should().Be("1 byte of a begin mark that is not whole");
    }

    [Theory]
    [InlineData("<", "<>")]
    [InlineData("<>", "<")]
    [InlineData("abc", "b")]
    public void Marks_that_cannot_be_told_apart_are_refused(string begin, string end)
    {
        FluentActions.Invoking(() => Framers.Enclosed(begin, end)).Should().Throw<ArgumentException>().WithMessage("*can never be found*");
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        FluentActions.Invoking(() => Framers.Enclosed("", "b")).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Framers.Enclosed("a"u8, default)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Framers.Enclosed("a", "b", 0)).Should().Throw<ArgumentOutOfRangeException>();
    }
}

public sealed class SameMarksTests : FramerContract
{
    protected override byte[] Alphabet => "~a"u8.ToArray();

    protected override int Shortest => 1;

    protected override int Idle => 1;

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("ab~a~b", null, 0), ("~~~~", null, 3), ("~~~a~", null, 2)];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Enclosed("~", "~", maxLength);
}

public sealed class SameLongMarksTests : FramerContract
{
    protected override byte[] Alphabet => "##a"u8.ToArray();

    protected override int Shortest => 1;

    protected override int Idle => 2;

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("####", null, 2), ("ab##", null, 0)];

    protected override IEnumerable<byte[]> TrickyMessages => ["#a"u8.ToArray(), "a#a"u8.ToArray()];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Enclosed("##", "##", maxLength);
}

public sealed class OverlappingMarksTests : FramerContract
{
    protected override byte[] Alphabet => "a=b"u8.ToArray();

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("a=qa=b", null, 3)];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Enclosed("a=", "=b", maxLength);

    protected override byte[] MessageOf(int length) => [.. Enumerable.Repeat((byte)'b', length)];
}
