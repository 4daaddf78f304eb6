using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Abstractions;

public class ReplyTests
{
    [Fact]
    public void The_default_value_passes()
    {
        default(Reply).Should().Be(Reply.Pass);
        Reply.Pass.Kind.Should().Be(ReplyKind.Pass);
    }

    [Fact]
    public void Text_and_bytes_convert_by_themselves()
    {
        Reply text = "好的!";
        Reply bytes = new byte[] { 1, 2 };

        text.Should().Be(Reply.Text("好的!"));
        bytes.Should().Be(Reply.Bytes(new byte[] { 1, 2 }));
    }

    [Fact]
    public void Null_is_no_reply()
    {
        var text = () => (Reply)(string)null!;
        var bytes = () => (Reply)(byte[])null!;

        text.Should().Throw<ArgumentNullException>();
        bytes.Should().Throw<ArgumentNullException>();
    }

    public static TheoryData<Reply, Reply> Different => new()
    {
        { Reply.Pass, Reply.None },
        { Reply.None, Reply.Echo },
        { Reply.Text("a"), Reply.Text("b") },
        { Reply.Text("a"), Reply.Bytes("a"u8.ToArray()) },
        { Reply.Text(""), Reply.None },
        { Reply.Bytes(default), Reply.Text("") },
        { Reply.Bytes("a"u8.ToArray()), Reply.Bytes("b"u8.ToArray()) },
    };

    [Theory]
    [MemberData(nameof(Different))]
    public void Replies_of_other_kind_or_content_differ(Reply one, Reply other)
    {
        one.Should().NotBe(other);
        (one == other).Should().BeFalse();
        (one != other).Should().BeTrue();
    }

    public static TheoryData<Reply, Reply> Same => new()
    {
        { Reply.Pass, default },
        { Reply.Echo, Reply.Echo },
        { Reply.Text("ab"), Reply.Text(new string(['a', 'b'])) },
        { Reply.Text("ab"), Reply.Text("ab").Keep() },
        { Reply.Bytes("ab"u8.ToArray()), Reply.Bytes("xaby"u8.ToArray().AsMemory(1, 2)) },
    };

    [Theory]
    [MemberData(nameof(Same))]
    public void Replies_are_compared_by_content(Reply one, Reply other)
    {
        one.Should().Be(other);
        (one == other).Should().BeTrue();
        one.GetHashCode().Should().Be(other.GetHashCode());
        one.Equals((object)other).Should().BeTrue();
    }

    [Fact]
    public void A_reply_says_what_it_is()
    {
        Reply.Text("好的!").ToString().Should().Be("好的!");
        Reply.Bytes(new byte[] { 0x0A, 0xFF }).ToString().Should().Be("0AFF");
        Reply.Pass.ToString().Should().Be("Pass");
        Reply.None.ToString().Should().Be("None");
        Reply.Echo.ToString().Should().Be("Echo");
    }

    public static TheoryData<Reply, string[]> Sendings => new()
    {
        { Reply.Pass, [] },
        { Reply.None, [] },
        { Reply.Echo, ["the message"] },
        { Reply.Text("好的!"), ["好的!"] },
        { Reply.Text("好的!").Keep(), ["好的!"] },
        { Reply.Text("").Keep(), [""] },
        { Reply.Bytes("abc"u8.ToArray()), ["abc"] },
        { Reply.Bytes(default), [""] },
    };

    [Theory]
    [MemberData(nameof(Sendings))]
    public async Task SendAsync_sends_what_there_is_to_send(Reply reply, string[] expected)
    {
        var connection = new RecordingConnection();

        await reply.SendAsync(connection, "the message"u8.ToArray());

        connection.SentTexts.Should().Equal(expected);
    }

    [Fact]
    public async Task Kept_text_goes_out_in_the_encoding_of_the_connection()
    {
        var connection = new RecordingConnection { TextEncoding = Encoding.Unicode };

        await Reply.Text("好的!").Keep().SendAsync(connection, default);

        connection.Sent.Should().ContainSingle().Which.Should().Equal(Encoding.Unicode.GetBytes("好的!"));
    }

    [Fact]
    public async Task Kept_bytes_are_a_copy()
    {
        var bytes = "abc"u8.ToArray();
        var connection = new RecordingConnection();
        var kept = Reply.Bytes(bytes).Keep();

        bytes[0] = (byte)'x';
        await kept.SendAsync(connection, default);

        connection.SentTexts.Should().Equal("abc");
    }
}
