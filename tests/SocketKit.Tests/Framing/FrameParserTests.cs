using SocketKit.Framing;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Framing;

public class FrameParserTests
{
    private FrameParser _parser;

    [Fact]
    public void The_note_of_the_last_NeedMore_comes_back_until_the_frame_is_over()
    {
        var notes = new List<long>();
        Frame[] said = [Frame.NeedMore(7), Frame.NeedTotal(4), Frame.Message(0, 4), Frame.NeedMore()];
        var framer = new TestFramer
        {
            OnRead = (_, resume) =>
            {
                notes.Add(resume);
                return said[notes.Count - 1];
            },
        };

        Read(framer, 2).Should().Be(FrameParser.Step.More);
        _parser.MayRead(2).Should().BeFalse("it has been told of those");
        _parser.MayRead(3).Should().BeTrue();
        Read(framer, 3).Should().Be(FrameParser.Step.More);
        _parser.MayRead(3).Should().BeFalse();
        _parser.MayRead(4).Should().BeTrue();
        Read(framer, 4).Should().Be(FrameParser.Step.Message);
        Read(framer, 1).Should().Be(FrameParser.Step.More);

        notes.Should().Equal(0, 7, 7, 0);
        _parser.MayRead(0).Should().BeFalse();
    }

    [Fact]
    public void A_framer_sees_no_more_than_the_longest_frame()
    {
        var seen = 0;
        var framer = new TestFramer
        {
            OnRead = (input, _) =>
            {
                seen = input.Length;
                return Frame.Message(0, input.Length);
            },
        };

        _parser.Read(framer, new byte[100], 10, out var frame).Should().Be(FrameParser.Step.Message);

        seen.Should().Be(10);
        frame.Length.Should().Be(10);
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(10, true)]
    public void More_than_the_longest_frame_is_never_waited_for(int length, bool isTooLong)
    {
        var framer = new TestFramer { OnRead = (_, _) => Frame.NeedMore() };
        var read = () => _parser.Read(framer, new byte[length], 10, out _);

        if (isTooLong)
        {
            read.Should().Throw<FrameTooLargeException>().Which.Length.Should().Be(11);
        }
        else
        {
            read().Should().Be(FrameParser.Step.More);
        }
    }

    [Fact]
    public void Discarded_bytes_count_in_a_row_and_a_message_ends_the_row()
    {
        var framer = new TestFramer { OnRead = (_, _) => Frame.Message(0, 1) };
        _parser.IsDiscarding.Should().BeFalse();
        _parser.Discard(DiscardLimit.Bytes);
        _parser.IsDiscarding.Should().BeTrue();
        Read(framer, 1);
        _parser.IsDiscarding.Should().BeFalse();
        _parser.Discard(DiscardLimit.Bytes);

        FluentActions.Invoking(() => _parser.Discard(1)).Should().Throw<FramingException>();
    }

    private FrameParser.Step Read(IFramer framer, int length) => _parser.Read(framer, new byte[length], 100, out _);
}
