using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Replies;

public class ReplyStrategyTests
{
    [Fact]
    public async Task A_function_of_the_text_gets_the_text()
    {
        var strategy = ReplyStrategy.From(text => text switch { "a" => "found", _ => Reply.Pass });

        (await strategy.AskAsync("a")).Should().Be(Reply.Text("found"));
        (await strategy.AskAsync("b")).Should().Be(Reply.Pass);
    }

    [Fact]
    public async Task An_asynchronous_function_gets_the_token_and_may_wait()
    {
        using var cancellation = new CancellationTokenSource();
        var gate = new TaskCompletionSource();
        var seen = CancellationToken.None;
        var strategy = ReplyStrategy.From(async (text, token) =>
        {
            seen = token;
            await gate.Task;
            return text + "!";
        });

        var reply = strategy.ReplyAsync(new RecordingConnection(), "a"u8.ToArray(), cancellation.Token).AsTask();
        reply.IsCompleted.Should().BeFalse();
        gate.SetResult();

        (await reply.Soon()).Should().Be(Reply.Text("a!"));
        seen.Should().Be(cancellation.Token);
    }

    [Fact]
    public async Task A_function_of_everything_may_send_several_replies()
    {
        var connection = new RecordingConnection();
        var handler = Handlers.Reply(ReplyStrategy.From(async (from, message, closed) =>
        {
            await from.SendAsync("first", closed);
            return Reply.Bytes(message);
        }))(connection);

        await handler.OnMessageAsync(connection, "last"u8.ToArray());

        connection.SentTexts.Should().Equal("first", "last");
    }

    [Fact]
    public async Task A_function_of_the_bytes_may_answer_by_a_slice()
    {
        var strategy = ReplyStrategy.FromBytes(message => Reply.Bytes(message[1..]));

        (await strategy.AskAsync([1, 2, 3])).Should().Be(Reply.Bytes(new byte[] { 2, 3 }));
    }

    [Fact]
    public void Null_functions_are_refused()
    {
        FluentActions.Invoking(() => ReplyStrategy.From((Func<string, Reply>)null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => ReplyStrategy.From((Func<string, CancellationToken, ValueTask<Reply>>)null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => ReplyStrategy.From((Func<IConnection, ReadOnlyMemory<byte>, CancellationToken, ValueTask<Reply>>)null!))
            .Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => ReplyStrategy.FromBytes(null!)).Should().Throw<ArgumentNullException>();
    }
}
