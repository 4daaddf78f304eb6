using System.Text;

namespace SocketKit.Tests.Abstractions;

public class MessageTests
{
    [Fact]
    public void It_is_a_copy()
    {
        var bytes = "hello"u8.ToArray();
        using var message = Message.Copy((ReadOnlyMemory<byte>)bytes);
        bytes.AsSpan().Clear();

        message.Length.Should().Be(5);
        message.Memory.ToArray().Should().Equal("hello"u8.ToArray());
        message.Span.ToArray().Should().Equal("hello"u8.ToArray());
        message.ToString().Should().Be("hello");
    }

    [Fact]
    public void Its_text_is_in_its_encoding_and_bad_bytes_show_as_U_FFFD()
    {
        using var latin = Message.Copy([0xE9], Encoding.Latin1);
        using var utf8 = Message.Copy([(byte)'a', 0xE9]);
        using var empty = Message.Copy(default(ReadOnlySpan<byte>));

        latin.ToString().Should().Be("é");
        utf8.ToString().Should().Be("a\uFFFD");
        empty.ToString().Should().BeEmpty();
        empty.Length.Should().Be(0);
    }

    [Fact]
    public void A_disposed_one_gives_no_bytes()
    {
        var message = Message.Copy("x"u8);
        message.Dispose();
        message.Dispose();

        message.Length.Should().Be(1);
        message.Invoking(disposed => disposed.Memory).Should().Throw<ObjectDisposedException>();
        message.Invoking(disposed => disposed.Span.Length).Should().Throw<ObjectDisposedException>();
        message.Invoking(disposed => disposed.ToString()).Should().Throw<ObjectDisposedException>();
    }
}
