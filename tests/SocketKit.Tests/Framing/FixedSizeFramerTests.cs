using System.Buffers;
using SocketKit.Framing;

namespace SocketKit.Tests.Framing;

public sealed class FixedSizeFramerTests : FramerContract
{
    private const int Size = 8;

    protected override byte[] Alphabet => [0, (byte)'a'];

    protected override int Shortest => Size;

    protected override int Longest => Size;

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("GET / HTTP/1.1\r\n\r\n", null, 0)];

    protected override IEnumerable<byte[]> Messages => [MessageOf(Size), new byte[Size], MessageOf(Size)];

    // A maximum is a size here.
    protected override IFramer Create(int maxLength = int.MaxValue) => Framers.FixedSize(maxLength == int.MaxValue ? Size : maxLength);

    // A reader of a fixed size cannot meet a larger message, only a limit that is too small for it.
    public override void One_byte_more_than_the_maximum_is_refused_in_one_piece_and_in_bytes()
    {
        new FrameFeed(Create(), maxFrameLength: Size - 1).Invoking(feed => feed.Feed([1])).Should().Throw<FrameTooLargeException>();
    }

    public override void A_message_far_too_large_is_refused_before_it_has_come()
    {
        Framers.FixedSize(int.MaxValue).Read(new byte[1], 0).Should().Be(Frame.NeedTotal(int.MaxValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(9)]
    public void A_message_of_another_size_is_refused(int length)
    {
        var output = new ArrayBufferWriter<byte>();

        Framers.FixedSize(8).Invoking(framer => framer.Write(new byte[length], output)).Should().Throw<FramingException>();

        output.WrittenCount.Should().Be(0);
    }

    [Fact]
    public void The_size_of_a_whole_message_is_asked_for_at_once() => Framers.FixedSize(8).Read(new byte[3], 0).Should().Be(Frame.NeedTotal(8));

    [Fact]
    public void It_says_what_is_missing() => ((IFramer)Framers.FixedSize(8)).DescribeIncomplete(new byte[3]).Should().Be("3 of the 8 bytes of a message");

    [Fact]
    public void A_size_below_one_is_refused() => FluentActions.Invoking(() => Framers.FixedSize(0)).Should().Throw<ArgumentOutOfRangeException>();
}
