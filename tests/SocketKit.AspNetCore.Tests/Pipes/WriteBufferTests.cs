using SocketKit.AspNetCore.Pipes;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Pipes;

public class WriteBufferTests
{
    private WriteBuffer _buffer = new();

    [Fact]
    public void What_is_written_may_be_sent_from_its_flush_on()
    {
        Write("abc");
        (_buffer.Unflushed, _buffer.Unsent).Should().Be((3L, 0L));

        _buffer.Flush();

        (_buffer.Unflushed, _buffer.Unsent).Should().Be((0L, 3L));
        Text(_buffer.Take()).Should().Be("abc");
    }

    [Fact]
    public void What_is_written_behind_a_flush_is_not_in_its_batch()
    {
        Write("abc");
        _buffer.Flush();
        Write("de");

        Text(_buffer.Take()).Should().Be("abc");
        _buffer.Sent();

        (_buffer.Unflushed, _buffer.Unsent).Should().Be((2L, 0L));
        _buffer.Flush();
        Text(_buffer.Take()).Should().Be("de");
    }

    [Fact]
    public void More_than_was_lent_cannot_be_written()
    {
        _buffer.TryAppend(0).Should().BeTrue("that is nothing");
        _buffer.TryAppend(1).Should().BeFalse();
        var lent = _buffer.Lend(0);

        _buffer.TryAppend(lent.Length + 1).Should().BeFalse();
        _buffer.TryAppend(-1).Should().BeFalse();

        _buffer.Unflushed.Should().Be(0);
    }

    [Fact]
    public void When_all_is_sent_nothing_is_held()
    {
        Write("abc");
        _buffer.Flush();
        _buffer.Trim();
        _buffer.HeldBytes.Should().BePositive("it is not sent yet");

        _buffer.Take();
        _buffer.Sent();
        _buffer.Trim();

        _buffer.HeldBytes.Should().Be(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Memory_in_the_callers_hands_stays(bool gone)
    {
        Write("abc");
        _buffer.Flush();
        _buffer.Take();
        _buffer.Sent();
        var lent = _buffer.Lend(0);

        if (gone)
        {
            _buffer.DropAll();
        }
        else
        {
            _buffer.Trim();
        }

        _buffer.HeldBytes.Should().BePositive();
        "x"u8.CopyTo(lent.Span);
        _buffer.TryAppend(1).Should().BeTrue();
        _buffer.Trim();
        _buffer.HeldBytes.Should().BePositive("that is not sent");
        _buffer.Flush();
        Text(_buffer.Take()).Should().Be("x");
    }

    [Fact]
    public void When_the_connection_is_gone_nothing_is_left_to_send()
    {
        Write("abc");
        _buffer.Flush();
        Write("de");

        _buffer.DropAll();

        (_buffer.Unflushed, _buffer.Unsent, _buffer.HeldBytes).Should().Be((0L, 0L, 0));
    }

    [Fact]
    public void A_large_message_leaves_in_order_and_in_fewer_larger_batches()
    {
        var all = Bytes.Pattern(300_000);
        for (var written = 0; written < all.Length;)
        {
            var lent = _buffer.Lend(1);
            var count = Math.Min(lent.Length, all.Length - written);
            all.AsSpan(written, count).CopyTo(lent.Span);
            _buffer.TryAppend(count).Should().BeTrue();
            written += count;
        }

        _buffer.Flush();
        var sent = new List<byte>();
        var batches = new List<int>();
        while (_buffer.Unsent > 0)
        {
            var batch = _buffer.Take();
            batches.Add(batch.Length);
            sent.AddRange(batch.Span);
            _buffer.Sent();
        }

        sent.Should().Equal(all);
        batches.Max().Should().BeGreaterThan(batches[0]);
        batches.Count.Should().BeLessThan(all.Length / SegmentChain.Smallest / 4);
    }

    private static string Text(ReadOnlyMemory<byte> batch) => System.Text.Encoding.Latin1.GetString(batch.Span);

    private void Write(string text) => _buffer.TryAppend(System.Text.Encoding.Latin1.GetBytes(text, _buffer.Lend(text.Length).Span));
}
