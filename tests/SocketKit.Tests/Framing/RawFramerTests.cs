using SocketKit.Framing;

namespace SocketKit.Tests.Framing;

public sealed class RawFramerTests : FramerContract
{
    protected override bool KeepsBoundaries => false;

    protected override byte[] Alphabet => [0, (byte)'a'];

    public override IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage => [("\x16\x03\x01", null, 0)];

    protected override IFramer Create(int maxLength = int.MaxValue) => maxLength == int.MaxValue ? Framers.Raw() : new RawFramer(maxLength);

    public override void The_largest_message_goes_through() => new RawFramer(200).Read(new byte[200], 0).Should().Be(Frame.Message(0, 200));

    // A maximum is for wires that keep messages, where a message comes in one piece.
    public override void One_byte_more_than_the_maximum_is_refused_in_one_piece_and_in_bytes()
    {
        var framer = new RawFramer(200);

        framer.Invoking(it => it.Read(new byte[201], 0)).Should().Throw<FrameTooLargeException>();
    }

    // How much of a stream arrives at once means nothing, so it breaks no limit.
    public override void A_message_far_too_large_is_refused_before_it_has_come()
    {
        var feed = new FrameFeed(Framers.Raw(), maxFrameLength: 100);

        feed.Feed(new byte[201]);

        feed.Messages.Select(message => message.Length).Should().Equal(100, 100, 1);
    }

    [Fact]
    public void Each_piece_is_a_message()
    {
        var feed = new FrameFeed(Framers.Raw());

        feed.Feed("ab"u8);
        feed.Feed("c"u8);

        feed.Messages.Select(message => message.Length).Should().Equal(2, 1);
    }

    [Fact]
    public void A_maximum_below_one_is_refused() => FluentActions.Invoking(() => new RawFramer(0)).Should().Throw<ArgumentOutOfRangeException>();
}
