using System.Buffers;
using System.Text;
using SocketKit.Framing;

namespace SocketKit.Tests.Framing;

public class DelimitedFramerTests : FramerContract
{
    protected override byte[] Alphabet => "|=|=ab"u8.ToArray();

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("GET / HTTP/1.1\r\n\r\n", null, 0), ("\x16\x03\x01\x02", null, 0)];

    protected override IEnumerable<byte[]> TrickyMessages => ["|"u8.ToArray(), "|||"u8.ToArray(), "=|=|"u8.ToArray()];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Delimited(new DelimitedOptions("|=|=") { MaxLength = maxLength });

    protected override byte[] MessageOf(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i == length - 1 ? 'a' : "|=|a"[i % 4]))];

    // Messages with ~ between them, then what is left over.
    [Theory]
    [InlineData(";", false, "a;b;;c", "a~b~", "c")]
    [InlineData(";", true, "a;b;;c", "a;~b;~;", "c")]
    [InlineData("\r\n \n", false, "a\nb\r\nc", "a~b", "c")]
    [InlineData("\r\n \n", true, "a\nb\r\n\n", "a\n~b\r\n~\n", "")]
    [InlineData("aab", false, "aaaab", "aa", "")]
    [InlineData("END STOP", false, "xENDySTOPENSTOP", "x~y~EN", "")]
    [InlineData("ab cd", false, "acabacd", "ac~a", "")]
    public void Delimiters_are_cut_off_or_kept(string delimiters, bool keep, string stream, string messages, string left)
    {
        for (var size = 1; size <= stream.Length; size++)
        {
            var feed = new FrameFeed(new DelimitedFramer(new DelimitedOptions(delimiters.Split(' ')) { KeepDelimiter = keep }));
            foreach (var piece in Latin1(stream).Chunk(size))
            {
                feed.Feed(piece);
            }

            string.Join('~', feed.Messages.Select(Encoding.Latin1.GetString)).Should().Be(messages, $"in pieces of {size}");
            feed.Waiting.Should().Be(left.Length);
        }
    }

    [Theory]
    [InlineData(";", false, "a;b")]
    [InlineData(";;", false, "a;")]
    [InlineData("aa", false, "xa")]
    [InlineData("\n \r\n", false, "a\r")]
    [InlineData("; #", false, "a#b")]
    [InlineData(";", true, "a")]
    [InlineData(";", true, "")]
    [InlineData(";", true, "a;b;")]
    [InlineData(";", true, ";;")]
    public void A_message_that_would_not_come_back_whole_is_refused(string delimiters, bool keep, string message)
    {
        var framer = new DelimitedFramer(new DelimitedOptions(delimiters.Split(' ')) { KeepDelimiter = keep });
        var output = new ArrayBufferWriter<byte>();

        framer.Invoking(it => it.Write(Latin1(message), output)).Should().Throw<FramingException>();

        output.WrittenCount.Should().Be(0);
    }

    [Fact]
    public void The_first_delimiter_is_written_and_none_when_it_is_kept()
    {
        Written(new DelimitedOptions("##", ";"), "a").Should().Be("a##");
        Written(new DelimitedOptions("##", ";") { KeepDelimiter = true }, "a;").Should().Be("a;");

        static string Written(DelimitedOptions options, string message)
        {
            var output = new ArrayBufferWriter<byte>();
            new DelimitedFramer(options).Write(Latin1(message), output);
            return Encoding.Latin1.GetString(output.WrittenSpan);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a ")]
    [InlineData("a a")]
    [InlineData("\r\n \r")]
    [InlineData("abcd bc")]
    public void Delimiters_that_cannot_be_told_apart_are_refused(string delimiters)
    {
        FluentActions.Invoking(() => new DelimitedFramer(new DelimitedOptions(delimiters.Split(' '))))
            .Should().Throw<OptionsException>().Which.Option.Should().Be("DelimitedOptions.Delimiters");
    }

    [Fact]
    public void Wrong_options_are_refused()
    {
        FluentActions.Invoking(() => new DelimitedFramer(new DelimitedOptions())).Should().Throw<OptionsException>().WithMessage("*at least one*");
        FluentActions.Invoking(() => new DelimitedFramer(new DelimitedOptions(";") { MaxLength = 0 })).Should().Throw<OptionsException>().WithMessage("DelimitedOptions.MaxLength*");
        FluentActions.Invoking(() => Framers.Delimited(new byte[257])).Should().Throw<ArgumentException>().WithMessage("*1 to 256*");
        FluentActions.Invoking(() => Framers.Delimited("")).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Options_are_copied()
    {
        byte[] delimiter = [1];
        var options = new DelimitedOptions { Delimiters = { delimiter } };
        var framer = new DelimitedFramer(options);

        delimiter[0] = 2;
        options.KeepDelimiter = true;

        framer.Read(new byte[] { 9, 2, 9, 1 }, 0).Should().Be(Frame.Message(0, 3, 1));
    }

    [Fact]
    public void It_says_what_is_missing() => ((IFramer)Framers.Delimited(";")).DescribeIncomplete("a"u8).Should().Be("1 byte without a delimiter");
}

public sealed class SeveralDelimitersTests : FramerContract
{
    protected override byte[] Alphabet => ";\r\na"u8.ToArray();

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("\r\r\r;\n\r", null, 0)];

    protected override IEnumerable<byte[]> TrickyMessages => ["\ra"u8.ToArray(), "\r\r "u8.ToArray()];

    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.Delimited(new DelimitedOptions("\n", "\r\n", ";") { MaxLength = maxLength });
}

public sealed class KeptDelimiterTests : FramerContract
{
    protected override byte[] Alphabet => "\r\na"u8.ToArray();

    protected override int Shortest => 1;

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("\r\r\r\n\r", null, 0)];

    // The delimiter does not count towards the maximum, but is part of the message.
    protected override IFramer Create(int maxLength = int.MaxValue) =>
        Framers.Delimited(new DelimitedOptions("\n", "\r\n") { KeepDelimiter = true, MaxLength = maxLength == int.MaxValue ? maxLength : maxLength - 1 });

    protected override byte[] MessageOf(int length) => [.. Enumerable.Repeat((byte)'a', length - 1), (byte)'\n'];

    // Here the maximum in the exception is one less than the whole message's.
    public override void One_byte_more_than_the_maximum_is_refused_in_one_piece_and_in_bytes()
    {
        new FrameFeed(Create(200)).Invoking(feed => feed.Feed(Stream([MessageOf(200), MessageOf(201)]))).Should().Throw<FrameTooLargeException>().Which.Maximum.Should().Be(199);
    }
}
