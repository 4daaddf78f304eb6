using System.Text;
using SocketKit.Connections;
using SocketKit.Framing;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

public class MessageReaderTests
{
    private static readonly byte[] Mark = [0xEF, 0xBB, 0xBF];

    private MessageReader _reader = Create();

    // ---- Frames ----

    [Fact]
    public void Whole_frames_are_read_one_after_the_other_and_consumed_by_the_caller()
    {
        Receive("one\ntwo\nthr");

        Read().Should().Be("one");
        _reader.Length.Should().Be(7);
        Read().Should().Be("two");
        _reader.MayRead.Should().BeTrue();
        Read().Should().BeNull();

        _reader.MayRead.Should().BeFalse("the framer has seen all that is there");
        _reader.Length.Should().Be(3);
        Receive("ee\n");
        Read().Should().Be("three");
        _reader.Length.Should().Be(0);
        _reader.MayRead.Should().BeFalse();
    }

    [Fact]
    public void A_frame_that_is_not_consumed_is_read_again()
    {
        Receive("one\n");
        _reader.Read(out var first).Should().Be(FrameParser.Step.Message);
        _reader.Read(out var again).Should().Be(FrameParser.Step.Message);

        again.Should().Be(first);
        _reader.MessageOf(again).Text().Should().Be("one");
        _reader.SpanOf(again).ToArray().Should().Equal("one"u8.ToArray());
    }

    [Fact]
    public void A_message_is_what_lies_between_header_and_trailer()
    {
        _reader = Create(framer: new TestFramer { OnRead = (input, _) => Frame.Message(2, input.Length - 3, 1) });
        Receive("[[text]");

        _reader.Read(out var frame);

        _reader.MessageOf(frame).Text().Should().Be("text");
    }

    [Fact]
    public void What_is_there_is_whole_when_no_frame_is_begun()
    {
        _reader.IsWhole.Should().BeTrue();
        Receive("o");
        _reader.IsWhole.Should().BeFalse();
        _reader.DescribeIncomplete().Should().Contain("1 byte");
        Receive("ne\n");
        Read();
        _reader.IsWhole.Should().BeTrue();
    }

    [Fact]
    public void Bytes_that_a_framer_counts_as_between_two_frames_leave_the_input_whole()
    {
        // The end of one frame may be the begin of the next.
        _reader = Create(framer: Framers.Enclosed("~", "~"));
        Receive("~one~");
        Read().Should().Be("one");

        _reader.IsWhole.Should().BeTrue();
        Receive("~t");
        _reader.IsWhole.Should().BeFalse();
    }

    [Fact]
    public void What_is_cleared_is_gone_and_what_comes_then_is_read()
    {
        Receive("half a frame");
        _reader.Clear();
        _reader.Length.Should().Be(0);
        _reader.IsWhole.Should().BeTrue();

        Receive("one\n");

        Read().Should().Be("one");
    }

    [Fact]
    public void Too_many_discarded_bytes_in_a_row_end_it_and_a_message_begins_the_row_anew()
    {
        _reader.IsDiscarding.Should().BeFalse();
        _reader.CountDiscarded(DiscardLimit.Bytes);
        _reader.IsDiscarding.Should().BeTrue();
        Receive("one\n");
        Read();
        _reader.IsDiscarding.Should().BeFalse();
        _reader.CountDiscarded(DiscardLimit.Bytes);
        var more = () => _reader.CountDiscarded(1);

        more.Should().Throw<FramingException>();
    }

    // ---- Messages of the transport ----

    [Fact]
    public void A_message_of_the_transport_that_is_too_long_is_refused_whole()
    {
        _reader = Create(maxFrameLength: 10, preservesBoundaries: true);
        Receive("1234567\n89");
        _reader.CheckLength();
        Read().Should().Be("1234567");

        Receive("1234567\n");
        _reader.Length.Should().Be(10);
        Receive("9");
        var check = () => _reader.CheckLength();
        var read = () => _reader.Read(out _);

        check.Should().Throw<FrameTooLargeException>();
        read.Should().Throw<FrameTooLargeException>("though its first frame is short enough");
    }

    [Fact]
    public void A_stream_of_bytes_may_bring_more_at_once_than_a_frame_may_be_long()
    {
        _reader = Create(maxFrameLength: 10);
        Receive("1234567\n9012345\n");

        Read().Should().Be("1234567");
        Read().Should().Be("9012345");
    }

    // ---- The buffer ----

    [Fact]
    public void It_is_filled_when_a_receive_has_left_no_room()
    {
        _reader.IsFilled.Should().BeFalse();
        var free = _reader.GetFree().Length;
        _reader.Advance(free - 1);
        _reader.IsFilled.Should().BeFalse();
        _reader.Clear();
        free = _reader.GetFree().Length;
        _reader.Advance(free);
        _reader.IsFilled.Should().BeTrue();
        _reader.Clear();
        _reader.IsFilled.Should().BeTrue("there is more, though nothing of it is here");

        Receive("one\n");

        _reader.IsFilled.Should().BeFalse();
    }

    [Fact]
    public void It_holds_an_array_from_the_first_bytes_until_its_release()
    {
        _reader.HoldsArray.Should().BeFalse();
        Receive("one\n");
        _reader.HoldsArray.Should().BeTrue();
        Read();

        _reader.Release();

        _reader.HoldsArray.Should().BeFalse();
        Receive("two\n");
        Read().Should().Be("two");
    }

    [Fact]
    public void A_message_in_an_array_that_is_given_away_stays_until_it_is_given_back_and_then_is_poisoned()
    {
        _reader = Create(poisons: true);
        Receive("one\ntwo\n");
        _reader.Read(out var frame);
        var message = _reader.MessageOf(frame);
        _reader.Consume(frame);

        var array = _reader.Detach();

        Read().Should().Be("two");
        Receive("three\n");
        Read().Should().Be("three");
        message.Text().Should().Be("one");
        _reader.Return(array);
        message.ToArray().Should().Equal(0xDD, 0xDD, 0xDD);
    }

    // ---- A byte order mark ----

    [Fact]
    public void A_byte_order_mark_in_front_of_the_first_message_is_skipped_once()
    {
        Receive([.. Mark, .. Mark, .. "one\n"u8]);

        _reader.TrySkipByteOrderMark(out var skipped).Should().BeTrue();
        skipped.Should().Be(3);
        _reader.TrySkipByteOrderMark(out skipped).Should().BeTrue();
        skipped.Should().Be(0);

        Read().Should().Be("\uFEFFone");
    }

    [Fact]
    public void More_bytes_must_tell_while_it_may_still_become_one()
    {
        _reader.TrySkipByteOrderMark(out _).Should().BeFalse("nothing came");
        foreach (var part in Mark[..2])
        {
            Receive([part]);
            _reader.TrySkipByteOrderMark(out var none).Should().BeFalse();
            none.Should().Be(0);
        }

        Receive(Mark[2..]);

        _reader.TrySkipByteOrderMark(out var skipped).Should().BeTrue();
        skipped.Should().Be(3);
        _reader.Length.Should().Be(0);
    }

    [Theory]
    [InlineData(new byte[] { 0x31 })]
    [InlineData(new byte[] { 0xEF, 0x31 })]
    [InlineData(new byte[] { 0xEF, 0xBB, 0x31 })]
    public void What_begins_otherwise_is_text_and_nothing_is_looked_for_any_more(byte[] input)
    {
        Receive(input);
        _reader.TrySkipByteOrderMark(out var skipped).Should().BeTrue();
        skipped.Should().Be(0);
        _reader.Length.Should().Be(input.Length);
        _reader.Clear();
        Receive(Mark);

        _reader.TrySkipByteOrderMark(out skipped).Should().BeTrue();

        skipped.Should().Be(0);
    }

    [Fact]
    public void Where_the_framer_looks_for_no_text_there_is_no_byte_order_mark()
    {
        _reader = Create(framer: Framers.LengthPrefixed());

        _reader.TrySkipByteOrderMark(out _).Should().BeTrue("nothing need come first");
        Receive(Mark);
        _reader.TrySkipByteOrderMark(out var skipped).Should().BeTrue();

        skipped.Should().Be(0);
    }

    private static MessageReader Create(
        IFramer? framer = null, int maxFrameLength = 1_000_000, bool preservesBoundaries = false, bool poisons = false) => new(
        TestSettings.Create(options =>
        {
            options.Framer = framer ?? Framers.Lines();
            options.MaxFrameLength = maxFrameLength;
        }),
        preservesBoundaries,
        poisons);

    private void Receive(string text) => Receive(Encoding.UTF8.GetBytes(text));

    private void Receive(byte[] bytes)
    {
        bytes.CopyTo(_reader.GetFree());
        _reader.Advance(bytes.Length);
    }

    /// <summary>The next message, consumed; null: none is whole.</summary>
    private string? Read()
    {
        if (_reader.Read(out var frame) != FrameParser.Step.Message)
        {
            return null;
        }

        var text = _reader.MessageOf(frame).Text();
        _reader.Consume(frame);
        return text;
    }
}
