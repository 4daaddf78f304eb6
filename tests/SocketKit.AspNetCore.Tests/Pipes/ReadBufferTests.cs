using SocketKit.AspNetCore.Pipes;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Pipes;

public class ReadBufferTests
{
    private ReadBuffer _buffer = new();

    [Fact]
    public void What_arrives_is_news_until_it_is_examined_and_is_there_until_it_is_consumed()
    {
        (_buffer.HasNews, _buffer.HasRest).Should().Be((false, false));
        Receive("abc");
        (_buffer.HasNews, _buffer.HasRest).Should().Be((true, true));

        _buffer.Advance(_buffer.Bytes.GetPosition(1), _buffer.Bytes.End);

        (_buffer.HasNews, _buffer.HasRest, _buffer.Bytes.Text()).Should().Be((false, true, "bc"));
    }

    [Fact]
    public void What_is_consumed_counts_as_examined()
    {
        Receive("abc");

        _buffer.Advance(_buffer.Bytes.End, _buffer.Bytes.Start);

        (_buffer.HasNews, _buffer.HasRest).Should().Be((false, false));
    }

    [Fact]
    public void What_was_examined_stays_so_when_less_is_examined_later()
    {
        Receive("abc");
        _buffer.Advance(_buffer.Bytes.Start, _buffer.Bytes.End);

        _buffer.Advance(_buffer.Bytes.Start, _buffer.Bytes.Start);

        _buffer.HasNews.Should().BeFalse();
    }

    [Fact]
    public void A_buffer_whose_bytes_are_consumed_holds_nothing()
    {
        Receive("abc");
        _buffer.HeldBytes.Should().BePositive();

        _buffer.Advance(_buffer.Bytes.End, _buffer.Bytes.End);

        (_buffer.HeldBytes, _buffer.Bytes.Length).Should().Be((0, 0L));
    }

    [Fact]
    public void A_receive_keeps_the_array_that_it_writes_into()
    {
        Receive("abc");
        var free = _buffer.Lend();

        _buffer.Advance(_buffer.Bytes.End, _buffer.Bytes.End);
        _buffer.HeldBytes.Should().BePositive();

        Commit(free, "de");
        _buffer.Bytes.Text().Should().Be("de");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Closing_gives_all_back_at_the_end_of_the_receive_under_way(bool fails)
    {
        Receive("abc");
        var free = _buffer.Lend();

        _buffer.Close();
        _buffer.HeldBytes.Should().BePositive();

        if (fails)
        {
            _buffer.TakeBack();
        }
        else
        {
            Commit(free, "de");
        }

        (_buffer.HeldBytes, _buffer.HasRest).Should().Be((0, false));
    }

    [Fact]
    public void Closing_without_a_receive_gives_all_back_at_once()
    {
        Receive("abc");

        _buffer.Close();

        (_buffer.IsClosed, _buffer.HeldBytes).Should().Be((true, 0));
    }

    [Fact]
    public void What_arrives_behind_the_close_is_thrown_away()
    {
        _buffer.Close();

        Receive("abc");

        (_buffer.HeldBytes, _buffer.HasRest).Should().Be((0, false));
    }

    [Fact]
    public void A_receive_that_fails_leaves_what_is_there()
    {
        Receive("abc");
        _buffer.Lend();

        _buffer.TakeBack();

        _buffer.Bytes.Text().Should().Be("abc");
        _buffer.Advance(_buffer.Bytes.End, _buffer.Bytes.End);
        _buffer.HeldBytes.Should().Be(0, "nothing writes any more");
    }

    [Fact]
    public void Bytes_lie_over_many_arrays_in_order_and_each_array_goes_when_it_is_consumed()
    {
        var all = Bytes.Pattern(200_000);
        var received = 0;
        while (received < all.Length)
        {
            var free = _buffer.Lend();
            var count = Math.Min(free.Length, all.Length - received);
            all.AsMemory(received, count).CopyTo(free);
            _buffer.Commit(count);
            received += count;
        }

        _buffer.Bytes.IsSingleSegment.Should().BeFalse();
        var rest = all.AsMemory();
        while (rest.Length > 0)
        {
            var held = _buffer.HeldBytes;
            var first = _buffer.Bytes.First;
            first.Span.SequenceEqual(rest.Span[..first.Length]).Should().BeTrue();
            rest = rest[first.Length..];
            _buffer.Advance(_buffer.Bytes.GetPosition(first.Length), _buffer.Bytes.End);
            _buffer.HeldBytes.Should().BeLessThan(held);
        }

        _buffer.HeldBytes.Should().Be(0);
    }

    [Fact]
    public void A_position_of_another_reader_is_refused()
    {
        Receive("abc");
        var other = new ReadBufferTests();
        other.Receive("abc");
        var position = other._buffer.Bytes.End;

        var advance = () => _buffer.Advance(position, position);

        advance.Should().Throw<InvalidOperationException>();
    }

    private void Receive(string text) => Commit(_buffer.Lend(), text);

    private void Commit(Memory<byte> free, string text) => _buffer.Commit(System.Text.Encoding.Latin1.GetBytes(text, free.Span));
}
