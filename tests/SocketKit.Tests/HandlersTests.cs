using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

public class HandlerTests
{
    private readonly RecordingConnection _connection = new();

    [Fact]
    public async Task OnMessage_calls_the_function_with_the_connection_and_the_bytes()
    {
        var calls = new List<(IConnection, byte[])>();
        var handler = Handlers.OnMessage((connection, message) =>
        {
            calls.Add((connection, message.ToArray()));
            return default;
        })(_connection);

        await handler.OnConnectedAsync(_connection);
        await handler.OnMessageAsync(_connection, new byte[] { 1, 2 });
        await handler.OnClosedAsync(_connection, RecordingConnection.PeerClosed);

        calls.Should().ContainSingle();
        calls[0].Item1.Should().BeSameAs(_connection);
        calls[0].Item2.Should().Equal(1, 2);
    }

    [Fact]
    public async Task OnText_calls_the_function_with_the_text_in_the_encoding_of_the_connection()
    {
        var connection = new RecordingConnection { TextEncoding = Encoding.Unicode };
        var handler = Handlers.OnText(async (from, text) => await from.SendAsync(text + "!"))(connection);

        await handler.OnMessageAsync(connection, Encoding.Unicode.GetBytes("你好"));

        connection.SentTexts.Should().Equal("你好!");
    }

    [Fact]
    public async Task OnText_shows_bytes_that_are_no_text_as_replacement_characters()
    {
        var handler = Handlers.OnText((from, text) => from.SendAsync($"{text.Length}{text}"))(_connection);

        await handler.OnMessageAsync(_connection, new byte[] { 0xFF, (byte)'a' });

        _connection.SentTexts.Should().Equal("2\uFFFDa");
    }

    [Fact]
    public async Task The_task_of_the_function_is_the_task_of_the_handler()
    {
        var gate = new TaskCompletionSource();
        var handler = Handlers.OnMessage(async (_, _) => await gate.Task)(_connection);

        var task = handler.OnMessageAsync(_connection, default).AsTask();
        task.IsCompleted.Should().BeFalse();
        gate.SetException(new InvalidOperationException("by the function"));

        await task.Awaiting(t => t.Soon()).Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact]
    public void Stateless_handlers_share_one_instance_and_loops_do_not()
    {
        var other = new RecordingConnection();
        Func<IConnection, ConnectionHandler>[] stateless =
        [
            Handlers.OnMessage((_, _) => default),
            Handlers.OnText((_, _) => default),
            Handlers.Reply(text => text),
            Handlers.Reply(new GuessThanksSorryOkReplies()),
        ];
        var loop = Handlers.Loop((_, _) => default);

        stateless.Should().AllSatisfy(make => make(_connection).Should().BeSameAs(make(other)));
        loop(_connection).Should().NotBeSameAs(loop(other));
    }

    [Fact]
    public async Task Reply_sends_the_answer_of_the_first_strategy_that_does_not_pass()
    {
        var asked = new List<string>();
        var handler = Handlers.Reply(
            Strategy("first", _ => Reply.Pass),
            Strategy("second", text => text == "b" ? "second" : Reply.Pass),
            Strategy("third", _ => "third"))(_connection);

        await handler.OnMessageAsync(_connection, "a"u8.ToArray());
        await handler.OnMessageAsync(_connection, "b"u8.ToArray());

        _connection.SentTexts.Should().Equal("third", "second");
        asked.Should().Equal("first", "second", "third", "first", "second");

        IReplyStrategy Strategy(string name, Func<string, Reply> reply) => ReplyStrategy.From(text =>
        {
            asked.Add(name);
            return reply(text);
        });
    }

    [Fact]
    public async Task Reply_stays_silent_when_told_to_or_when_all_pass()
    {
        var handler = Handlers.Reply(ReplyStrategy.From(text => text == "none" ? Reply.None : Reply.Pass))(_connection);

        await handler.OnMessageAsync(_connection, "none"u8.ToArray());
        await handler.OnMessageAsync(_connection, "pass"u8.ToArray());

        _connection.Sent.Should().BeEmpty();
    }

    [Fact]
    public async Task Reply_asks_on_after_strategies_that_waited()
    {
        var gate = new TaskCompletionSource();
        var slowPass = ReplyStrategy.From(async (_, _) =>
        {
            await gate.Task;
            return Reply.Pass;
        });
        var echoes = Handlers.Reply(slowPass, slowPass, ReplyStrategy.From(_ => Reply.Echo))(_connection);
        var silent = Handlers.Reply(slowPass)(_connection);

        var echo = echoes.OnMessageAsync(_connection, "a"u8.ToArray()).AsTask();
        var silence = silent.OnMessageAsync(_connection, "b"u8.ToArray()).AsTask();
        echo.IsCompleted.Should().BeFalse();
        _connection.Sent.Should().BeEmpty();
        gate.SetResult();
        await echo.Soon();
        await silence.Soon();

        _connection.SentTexts.Should().Equal("a");
    }

    [Fact]
    public async Task Reply_waits_for_room()
    {
        var room = new TaskCompletionSource();
        _connection.OnSend = () => new(room.Task);
        var handler = Handlers.Reply(text => text)(_connection);

        var task = handler.OnMessageAsync(_connection, "a"u8.ToArray()).AsTask();
        task.IsCompleted.Should().BeFalse();
        room.SetResult();

        await task.Soon();
    }

    [Fact]
    public async Task Reply_gives_the_strategy_the_token_of_the_connection()
    {
        var seen = CancellationToken.None;
        var handler = Handlers.Reply(ReplyStrategy.From((_, _, token) =>
        {
            seen = token;
            return new(Reply.None);
        }))(_connection);

        await handler.OnMessageAsync(_connection, default);
        seen.IsCancellationRequested.Should().BeFalse();
        _connection.Abort();

        seen.IsCancellationRequested.Should().BeTrue();
    }

    [Fact]
    public void What_a_strategy_throws_comes_out()
    {
        var handler = Handlers.Reply(_ => throw new InvalidOperationException("by the strategy"))(_connection);

        handler.Invoking(h => h.OnMessageAsync(_connection, default).Now()).Should().Throw<InvalidOperationException>().WithMessage("by the strategy");
    }

    [Fact]
    public async Task Changing_the_array_of_strategies_later_changes_nothing()
    {
        IReplyStrategy[] strategies = [ReplyStrategy.From(_ => "old")];
        var handler = Handlers.Reply(strategies)(_connection);

        strategies[0] = ReplyStrategy.From(_ => "new");
        await handler.OnMessageAsync(_connection, default);

        _connection.SentTexts.Should().Equal("old");
    }

    [Fact]
    public void Missing_functions_and_strategies_are_refused()
    {
        FluentActions.Invoking(() => Handlers.OnMessage(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => Handlers.OnText(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => Handlers.Loop(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => Handlers.Reply((Func<string, Reply>)null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => Handlers.Reply((IReplyStrategy[])null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => Handlers.Reply()).Should().Throw<ArgumentException>().WithMessage("*At least one*");
        FluentActions.Invoking(() => Handlers.Reply(new GuessThanksSorryOkReplies(), null!)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Reply_and_OnMessage_allocate_nothing()
    {
        var connection = new RecordingConnection { Records = false };
        var reply = Handlers.Reply(ReplyStrategy.FromBytes(_ => Reply.Pass), ReplyStrategy.FromBytes(message => Reply.Bytes(message)))(connection);
        var echo = Handlers.OnMessage((from, message) => from.SendAsync(message))(connection);
        ReadOnlyMemory<byte> message = "hello"u8.ToArray();

        Allocations.Of(() => reply.OnMessageAsync(connection, message).Now()).Should().Be(0);
        Allocations.Of(() => echo.OnMessageAsync(connection, message).Now()).Should().Be(0);
    }
}
