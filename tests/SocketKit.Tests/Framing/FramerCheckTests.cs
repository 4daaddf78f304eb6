using System.Buffers;

namespace SocketKit.Tests.Framing;

public class FramerCheckTests
{
    [Fact]
    public void Good_framers_pass()
    {
        FramerCheck.RoundTrip(Framers.Lines(), "", "a", "你好");
        FramerCheck.RoundTrip(Framers.LengthPrefixed(), [], [0, 0, 0, 1], new byte[300_000]);
        FramerCheck.RoundTrip(Framers.LengthPrefixed(), new List<byte[]> { new byte[5000], new byte[1] });
    }

    [Fact]
    public void A_framer_may_rewrite_the_bytes_of_the_frame_it_returns() => FramerCheck.RoundTrip(new Masked(), "a", "abc", "");

    [Fact]
    public void Without_a_message_there_is_nothing_to_check()
    {
        FluentActions.Invoking(() => FramerCheck.RoundTrip(Framers.Lines(), Array.Empty<string>())).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void A_framer_that_does_not_keep_messages_apart_is_found()
    {
        Failure(Framers.Raw()).Should().Be("RawFramer, all at once: message 1 of 2 should be 2 bytes [6162], but Read gave 5 bytes [6162636465]");
    }

    [Fact]
    public void An_empty_frame_is_found() => Failure(Framers.Raw(), "").Should().Be("RawFramer, message 1: Write wrote nothing, so the other end cannot see the message");

    [Fact]
    public void A_cut_that_changes_something_is_found()
    {
        var framer = new Custom { OnRead = (input, _) => input.Length == 2 && input[0] == 3 ? Frame.Message(0, 2) : Custom.Good(input) };

        Failure(framer).Should().Be("Custom, byte by byte: message 2 of 2 should be 3 bytes [636465], but Read gave 2 bytes [0363]");
    }

    [Fact]
    public void The_place_of_a_cut_is_named()
    {
        // Wrong only when the first read saw two bytes and the next one all seven.
        var framer = new Custom
        {
            OnRead = (input, resume) =>
                resume == 2 && input.Length == 7 ? Frame.Message(1, 1)
                : input.Length < 1 + input[0] ? Frame.NeedMore(input.Length)
                : Custom.Good(input),
        };

        Failure(framer).Should().Be("Custom, message 1, cut after byte 2 of 3: message 1 of 2 should be 2 bytes [6162], but Read gave 1 byte [61]");
    }

    [Fact]
    public void Bytes_left_over_are_found()
    {
        var framer = new Custom { OnWrite = (message, output) => Custom.WriteGood(message, output, extra: message.Length == 3) };

        Failure(framer).Should().Be("Custom, all at once: all messages are there, but bytes are left over: 1 byte of an unfinished frame");
    }

    [Fact]
    public void A_message_that_never_comes_is_found()
    {
        Failure(new Custom { OnRead = (_, _) => Frame.NeedMore() }).Should().Be("Custom, all at once: 2 messages were written, but Read gave 0 and waits with 7 bytes of an unfinished frame");
    }

    [Fact]
    public void Discarding_what_was_written_is_found()
    {
        Failure(new Custom { OnRead = (input, _) => input[0] == 3 ? Frame.Discard(4) : Custom.Good(input) }).Should().Be("Custom, all at once: Read discarded 4 bytes that Write had written");
    }

    [Theory]
    [InlineData("Message(0, 0, 0)", "must take 1 to 7 bytes")]
    [InlineData("Message(1, 7, 0)", "must take 1 to 7 bytes")]
    [InlineData("NeedTotal(7)", "asks for no more than the 7 bytes it was given")]
    [InlineData("Discard(8)", "must take 1 to 7 bytes")]
    public void A_frame_that_the_contract_forbids_is_found(string frame, string what)
    {
        var bad = new[] { Frame.Message(0, 0), Frame.Message(1, 7), Frame.NeedTotal(7), Frame.Discard(8) }.Single(f => f.ToString() == frame);

        Failure(new Custom { OnRead = (_, _) => bad }).Should().Be($"Custom, all at once: Read returned {frame}, which {what}");
    }

    [Fact]
    public void Rewriting_bytes_of_no_frame_is_found()
    {
        var framer = new Custom
        {
            OnRead = (input, _) =>
            {
                input[^1] ^= 1;
                return Custom.Good(input);
            },
        };

        Failure(framer).Should().EndWith("changed bytes that belong to no returned frame");
    }

    [Fact]
    public void State_in_the_framer_is_found()
    {
        // Remembers where it is in a frame: right as long as there is one connection.
        var need = 0;
        var framer = new Custom
        {
            OnRead = (input, resume) =>
            {
                need = resume == 0 ? 1 + input[0] : need;
                if (input.Length < need)
                {
                    return Frame.NeedMore(1);
                }

                return Frame.Message(1, need - 1);
            },
        };

        Failure(framer).Should().Contain("while another connection reads a whole one");
    }

    [Fact]
    public void State_in_the_writer_is_found()
    {
        var count = (byte)0;

        Failure(new Custom
        {
            OnWrite = (message, output) =>
            {
                output.Write<byte>([count++]);
                output.Write(message);
            },
        }).Should().Be("Custom, message 1: Write wrote 3 bytes [006162] first and 3 bytes [016162] the second time; a framer keeps no state");
    }

    [Fact]
    public void A_writer_that_takes_more_room_than_it_asked_for_is_found()
    {
        Failure(new Custom
        {
            OnWrite = (message, output) =>
            {
                output.GetSpan(1);
                output.Advance(3);
            },
        }).Should().Be("Custom, message 1: Write advanced by 3 bytes, but had asked for 1");
    }

    [Fact]
    public void Exceptions_are_passed_on_with_their_place()
    {
        var read = FluentActions.Invoking(() => FramerCheck.RoundTrip(new Custom { OnRead = (_, _) => throw new FramingException("no") }, "ab")).Should().Throw<FramerCheckException>().Which;
        read.Message.Should().Be("Custom, all at once: the framer threw FramingException: no");
        read.InnerException.Should().BeOfType<FramingException>();

        Failure(Framers.Lines(), "a\nb").Should().StartWith("LinesFramer, message 1: Write threw FramingException: ");
    }

    [Fact]
    public void A_description_that_says_nothing_is_found()
    {
        Failure(new Custom { Description = "" }).Should().EndWith("DescribeIncomplete said nothing");
    }

    [Fact, Trait("Fault", "X06")]
    public void Framers_that_find_their_way_back_pass()
    {
        FramerCheck.Recovery(Framers.Enclosed("\x02", "\x03"), 0, "a", "", "hello");
        FramerCheck.Recovery(Framers.Enclosed("<<|", ">>"), 0, "a", "", "hello", new string('x', 300));
        FramerCheck.Recovery(Framers.Enclosed("~", "~"), 0, "a", "hello", new string('x', 300));
        FramerCheck.Recovery(Framers.Enclosed("=->", "=->"), 0, "a", "hello");
        FramerCheck.Recovery(Framers.Enclosed("##", "##"), 1, "a", "hello");
        FramerCheck.Recovery(Framers.Lines(), 1, "a", "", "hello");
        FramerCheck.Recovery(Framers.Lines(LineEnding.CrLf), 1, "a", "", "hello");
        FramerCheck.Recovery(Framers.Delimited(";;"), 1, "a", "hello");
        FramerCheck.Recovery(Framers.Delimited(new DelimitedOptions("END") { KeepDelimiter = true }), 1, [.. "aEND"u8], [.. "helloEND"u8]);
    }

    [Fact, Trait("Fault", "X06")]
    public void A_framer_that_takes_an_end_for_a_begin_is_found()
    {
        // In pairs: after one mark too many each end is taken for a begin, for ever.
        var pairs = new Custom
        {
            OnRead = (input, _) => input[0] != '~' ? Frame.Discard(1) : input[1..].IndexOf((byte)'~') is >= 0 and var length ? Frame.Message(1, length, 1) : Frame.NeedMore(),
            OnWrite = (message, output) => output.Write([(byte)'~', .. message, (byte)'~']),
        };

        Lost(pairs, 1).Should().Be("Custom, message 1 of 4 bytes without byte 0: of the 20 good messages behind it the last 0 came, where all but 1 should");
    }

    [Fact, Trait("Fault", "X06")]
    public void A_framer_that_never_finds_its_way_back_is_found()
    {
        Lost(new Custom(), 5).Should().Contain("of the 20 good messages behind it the last");
        Lost(Framers.FixedSize(2), 1).Should().StartWith("FixedSizeFramer, message 1 of 2 bytes without byte 0: ");
        Lost(Framers.Delimited(";"), 0).Should().Be("DelimitedFramer, message 1 of 3 bytes cut off before byte 1: of the 20 good messages behind it the last 19 came, where all but 0 should");
    }

    [Fact, Trait("Fault", "X06")]
    public void The_good_messages_in_front_do_not_count_as_behind()
    {
        // Deaf from the first damaged frame on. With two messages the two in front are those that the twenty behind end with.
        var deaf = new Custom
        {
            OnRead = (input, _) => input.IndexOf((byte)';') is var end and >= 0 && input[0] == end - 1 ? Frame.Message(1, end - 1, 1) : Frame.NeedTotal(10_000),
            OnWrite = (message, output) => output.Write([(byte)message.Length, .. message, (byte)';']),
        };

        Lost(deaf, 18).Should().EndWith("behind it the last 0 came, where all but 18 should");
    }

    [Fact, Trait("Fault", "X06")]
    public void A_framer_that_fails_on_damage_is_found_and_one_that_refuses_it_is_not()
    {
        Reader good = new DelimitedFramer(";"u8).Read;
        FramerCheck.Recovery(new Custom { OnRead = (input, resume) => Checked(input, new FramingException("rubbish")), OnWrite = Write }, 1, "ab", "ab");

        Lost(new Custom { OnRead = (input, resume) => Checked(input, new IndexOutOfRangeException("oops")), OnWrite = Write }, 1)
            .Should().Be("Custom, message 1 of 3 bytes without byte 0: the framer threw IndexOutOfRangeException: oops");

        Frame Checked(Span<byte> input, Exception exception) => good(input, 0) is { Kind: FrameKind.Message } frame && !input[..frame.Length].SequenceEqual("ab"u8) ? throw exception : good(input, 0);
        static void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output) => output.Write([.. message, (byte)';']);
    }

    [Fact]
    public void Recovery_wants_a_message_and_a_number_below_twenty()
    {
        FluentActions.Invoking(() => FramerCheck.Recovery(Framers.Lines(), 1, Array.Empty<string>())).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => FramerCheck.Recovery(Framers.Lines(), -1, "a")).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => FramerCheck.Recovery(Framers.Lines(), 20, "a")).Should().Throw<ArgumentException>();
    }

    private delegate Frame Reader(Span<byte> input, long resume);

    private static string Lost(IFramer framer, int mayLose) =>
        FluentActions.Invoking(() => FramerCheck.Recovery(framer, mayLose, "ab", "cd")).Should().Throw<FramerCheckException>().Which.Message;

    private static string Failure(IFramer framer, params string[] messages)
    {
        string[] texts = messages.Length == 0 ? ["ab", "cde"] : messages;
        return FluentActions.Invoking(() => FramerCheck.RoundTrip(framer, texts)).Should().Throw<FramerCheckException>().Which.Message;
    }

    private delegate Frame ReadCall(Span<byte> input, long resume);

    private delegate void WriteCall(ReadOnlySpan<byte> message, IBufferWriter<byte> output);

    /// <summary>One byte of length in front; right unless a test bends it.</summary>
    private sealed class Custom : IFramer
    {
        internal ReadCall OnRead { get; init; } = (input, _) => Good(input);

        internal WriteCall OnWrite { get; init; } = (message, output) => WriteGood(message, output);

        internal string? Description { get; init; }

        public Frame Read(Span<byte> input, long resume) => OnRead(input, resume);

        public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output) => OnWrite(message, output);

        public string DescribeIncomplete(ReadOnlySpan<byte> input) => Description ?? $"{input.Length} {(input.Length == 1 ? "byte" : "bytes")} of an unfinished frame";

        internal static Frame Good(Span<byte> input) => input.Length < 1 + input[0] ? Frame.NeedMore() : Frame.Message(1, input[0]);

        internal static void WriteGood(ReadOnlySpan<byte> message, IBufferWriter<byte> output, bool extra = false)
        {
            output.Write<byte>([(byte)message.Length]);
            output.Write(message);
            if (extra)
            {
                output.Write<byte>([9]);
            }
        }
    }

    /// <summary>One byte of length, then every byte inverted.</summary>
    private sealed class Masked : IFramer
    {
        public Frame Read(Span<byte> input, long resume)
        {
            if (input.Length < 1 + input[0])
            {
                return Frame.NeedTotal(1 + input[0]);
            }

            foreach (ref var b in input.Slice(1, input[0]))
            {
                b ^= 0xFF;
            }

            return Frame.Message(1, input[0]);
        }

        public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
        {
            var frame = output.GetSpan(message.Length + 1);
            frame[0] = (byte)message.Length;
            for (var i = 0; i < message.Length; i++)
            {
                frame[i + 1] = (byte)(message[i] ^ 0xFF);
            }

            output.Advance(message.Length + 1);
        }
    }
}
