using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Replies;

public class GuessThanksSorryOkRepliesTests
{
    private const string Unknown = "E4B88DE79FA5E98193E4BDA0E59CA8E8AFB4E4BB80E4B98821";

    [Theory]
    [InlineData("1", "E4BDA0E78C9C21")]
    [InlineData("2", "E8B0A2E8B0A221")]
    [InlineData("3", "E5AFB9E4B88DE8B5B721")]
    [InlineData("4", "E5A5BDE79A8421")]
    public async Task The_four_texts_have_their_replies_in_utf8_and_no_coin_is_thrown(string text, string expected)
    {
        var random = new ScriptedRandom();
        var connection = await SendAsync(new GuessThanksSorryOkReplies(random), text);

        connection.Sent.Should().ContainSingle().Which.Should().Equal(Convert.FromHexString(expected));
        random.Bounds.Should().BeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("0")]
    [InlineData("11")]
    [InlineData("1 ")]
    [InlineData(" 1")]
    [InlineData("1\n")]
    [InlineData("1\r")]
    [InlineData("１")]
    [InlineData("01")]
    [InlineData("1\0")]
    [InlineData("\uFEFF1")]
    [InlineData("你好")]
    public async Task Anything_else_is_echoed_or_not_understood_as_the_coin_falls(string text)
    {
        var random = new ScriptedRandom(0, 1);
        var replies = new GuessThanksSorryOkReplies(random);

        var heads = await SendAsync(replies, text);
        var tails = await SendAsync(replies, text);

        heads.SentTexts.Should().Equal(text);
        tails.Sent.Should().ContainSingle().Which.Should().Equal(Convert.FromHexString(Unknown));
        random.Bounds.Should().Equal(2, 2);
    }

    [Fact]
    public async Task An_echo_is_the_same_bytes_even_if_they_are_no_text()
    {
        byte[] garbage = [0xFF, 0x00, 0xC3, 0x31];
        var connection = new RecordingConnection();

        await Handlers.Reply(new GuessThanksSorryOkReplies(new ScriptedRandom(0)))(connection).OnMessageAsync(connection, garbage);

        connection.Sent.Should().ContainSingle().Which.Should().Equal(garbage);
    }

    [Fact]
    public async Task The_rules_follow_the_encoding_of_the_connection()
    {
        var connection = new RecordingConnection { TextEncoding = Encoding.BigEndianUnicode };

        await Handlers.Reply(new GuessThanksSorryOkReplies())(connection).OnMessageAsync(connection, new byte[] { 0, (byte)'4' });

        connection.SentTexts.Should().Equal("好的!");
    }

    [Fact]
    public void The_coin_is_fair()
    {
        // 400,000 throws: the standard deviation is 316, and seven of it are exceeded once in 390 billion runs.
        const int Throws = 400_000;
        var replies = new GuessThanksSorryOkReplies();
        var message = "5"u8.ToArray();

        var echoes = Enumerable.Range(0, Throws).Count(_ => replies.Ask(message) == Reply.Echo);

        echoes.Should().BeInRange((Throws / 2) - 2214, (Throws / 2) + 2214);
    }

    [Fact]
    public void Throws_do_not_depend_on_each_other()
    {
        // How often two throws in a row agree is another fair coin.
        const int Throws = 400_000;
        var replies = new GuessThanksSorryOkReplies(new Random());
        var message = "5"u8.ToArray();
        var last = replies.Ask(message);
        var agreements = 0;
        for (var count = 0; count < Throws; count++)
        {
            var next = replies.Ask(message);
            agreements += next == last ? 1 : 0;
            last = next;
        }

        agreements.Should().BeInRange((Throws / 2) - 2214, (Throws / 2) + 2214);
    }

    [Fact]
    public async Task The_same_seed_throws_the_same()
    {
        var one = await ThrowAsync(new GuessThanksSorryOkReplies(new Random(7)));
        var other = await ThrowAsync(new GuessThanksSorryOkReplies(new Random(7)));

        one.Should().Equal(other);
        one.Distinct().Should().HaveCount(2);

        static async Task<List<Reply>> ThrowAsync(GuessThanksSorryOkReplies replies)
        {
            var thrown = new List<Reply>();
            for (var count = 0; count < 100; count++)
            {
                thrown.Add(await replies.AskAsync("x"));
            }

            return thrown;
        }
    }

    [Fact]
    public async Task A_given_random_is_never_used_by_two_threads_at_once_even_if_two_strategies_share_it()
    {
        const int Draws = 20_000;
        var random = new ExclusiveRandom();
        GuessThanksSorryOkReplies[] strategies = [new(random), new(random)];
        using var barrier = new Barrier(4);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Factory.StartNew(
            () =>
            {
                var connection = new RecordingConnection();
                barrier.SignalAndWait();
                for (var count = 0; count < Draws; count++)
                {
                    _ = strategies[number % 2].ReplyAsync(connection, "5"u8.ToArray(), CancellationToken.None).Now();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))).WaitAsync(TimeSpan.FromSeconds(60));

        random.Collisions.Should().Be(0);
        random.Draws.Should().Be(4 * Draws);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("5")]
    public void A_reply_allocates_nothing(string text)
    {
        var connection = new RecordingConnection { Records = false };
        var handler = Handlers.Reply(new GuessThanksSorryOkReplies())(connection);
        ReadOnlyMemory<byte> message = Encoding.UTF8.GetBytes(text);

        var allocated = Allocations.Of(() => handler.OnMessageAsync(connection, message).Now());

        allocated.Should().Be(0);
        connection.BytesSent.Should().BePositive();
    }

    private static async Task<RecordingConnection> SendAsync(GuessThanksSorryOkReplies replies, string text)
    {
        var connection = new RecordingConnection();
        await Handlers.Reply(replies)(connection).OnMessageAsync(connection, Encoding.UTF8.GetBytes(text));
        return connection;
    }
}
