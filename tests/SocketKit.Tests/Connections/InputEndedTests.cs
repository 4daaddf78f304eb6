using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>The handler's call for the end of the input.</summary>
public class InputEndedTests
{
    [Fact, Trait("Fault", "X36")]
    public async Task It_follows_the_last_message_and_precedes_the_closed_call_and_may_send()
    {
        var handler = new Summing();
        await using var bed = await new TestBed().StartAsync(_ => handler);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\nc\n");
        await peer.FinishAsync();

        (await peer.ReceiveToEndAsync()).Should().Be("3 lines\n");
        var reason = await handler.ClosedCall;
        reason.Kind.Should().Be(CloseKind.PeerClosed);
        handler.Calls.Should().Equal("connected", "a", "b", "c", "input ended", "closed");
    }

    [Fact, Trait("Fault", "X36")]
    public async Task It_waits_for_an_asynchronous_message_and_the_closed_call_waits_for_it()
    {
        var message = Gate();
        var end = Gate();
        var handler = new Summing { Message = message.Task, Ending = _ => end.Task };
        await using var bed = await new TestBed().StartAsync(_ => handler);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\n");
        await peer.FinishAsync();
        bed.Network.Settle();
        handler.Calls.Should().Equal("connected", "a");

        bed.Open(message);
        handler.Calls.Should().Equal("connected", "a", "b", "input ended");

        bed.Open(end);
        (await peer.ReceiveToEndAsync()).Should().Be("2 lines\n");
        await handler.ClosedCall;
        handler.Calls.Should().Equal("connected", "a", "b", "input ended", "closed");
    }

    [Fact, Trait("Fault", "X37")]
    public async Task A_close_at_the_very_end_of_the_input_does_not_wait_for_the_handler()
    {
        var message = Gate();
        IConnection? closing = null;
        await using var bed = await new TestBed().StartAsync(async (connection, _) =>
        {
            closing = connection;
            await message.Task;
        }, options => options.Framer = new TestFramer
        {
            // Behind the end, and before the loop waits for the handler.
            OnDescribe = input =>
            {
                _ = closing!.CloseAsync("enough").AsTask();
                return "a half line";
            },
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nhalf");
        await peer.FinishAsync();
        bed.Network.Settle();

        (await closing!.Closed.WaitAsync(TestBed.Patience)).Detail.Should().Be("enough");
        bed.Session.Events.Should().NotContain("closed");
        bed.Open(message);
        await bed.Session.ClosedCall;
    }

    [Theory, Trait("Fault", "X36")]
    [InlineData(CloseKind.LocalClosed)]
    [InlineData(CloseKind.PeerReset)]
    [InlineData(CloseKind.Truncated)]
    [InlineData(CloseKind.HandlerFailed)]
    public async Task It_never_comes_after_another_cause_of_death(CloseKind kind)
    {
        var handler = new Summing { Message = kind == CloseKind.HandlerFailed ? Task.FromException(new InvalidDataException("bad")) : Task.CompletedTask };
        await using var bed = await new TestBed().StartAsync(_ => handler);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\n");
        switch (kind)
        {
            case CloseKind.LocalClosed:
                await bed.Server.Connections.Single().CloseAsync();
                await peer.FinishAsync();
                break;
            case CloseKind.PeerReset:
                peer.Transport.Abort();
                break;
            case CloseKind.Truncated:
                await peer.SendAsync("half");
                await peer.FinishAsync();
                break;
            default:
                await peer.FinishAsync();
                break;
        }

        (await handler.ClosedCall).Kind.Should().Be(kind);
        handler.Calls.Should().Equal("connected", "a", "closed");
    }

    [Fact, Trait("Fault", "X36")]
    public async Task What_it_throws_is_the_handlers_failure()
    {
        var handler = new Summing { Ending = _ => throw new InvalidDataException("no sum") };
        await using var bed = await new TestBed().StartAsync(_ => handler);
        await using var peer = await bed.ConnectRawAsync();
        await peer.FinishAsync();

        var reason = await handler.ClosedCall;
        reason.Kind.Should().Be(CloseKind.HandlerFailed);
        reason.Detail.Should().Contain("no sum");
    }

    [Theory, Trait("Fault", "X36")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_sent_reaches_a_peer_that_has_finished_and_reads_late(bool isCutOff)
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync((connection, _) => connection.SendAsync(new string('y', 20_000)));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(isCutOff ? "get\nhalf" : "get\n");
        await peer.FinishAsync();

        bed.Advance(9);

        (await peer.ReceiveToEndAsync()).Should().HaveLength(20_001);
        (await bed.Session.ClosedCall).Should().Match<CloseReason>(reason => reason.Kind == (isCutOff ? CloseKind.Truncated : CloseKind.PeerClosed) && reason.UnsentBytes == 0);
    }

    [Theory, Trait("Fault", "X06")]
    [InlineData("~a~~b~~", CloseKind.PeerClosed)]
    [InlineData("~a~~b~~~", CloseKind.PeerClosed)]
    [InlineData("~", CloseKind.PeerClosed)]
    [InlineData("~a~~b~~c", CloseKind.Truncated)]
    [InlineData("~a~~b~c", CloseKind.Truncated)]
    public async Task An_equal_mark_too_many_at_the_end_is_no_frame_that_was_cut_off(string input, CloseKind kind)
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = Framers.Enclosed("~", "~"));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(input);
        await peer.FinishAsync();

        (await bed.Session.ClosedCall).Kind.Should().Be(kind);
    }

    [Fact, Trait("Fault", "X36")]
    public async Task A_peer_that_has_finished_and_never_reads_is_a_slow_consumer()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync((connection, _) => connection.SendAsync(new string('y', 20_000)));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("get\n");
        await peer.FinishAsync();

        bed.Advance(11);

        (await bed.Session.ClosedCall).Should().Match<CloseReason>(reason => reason.Kind == CloseKind.SlowConsumer && reason.UnsentBytes > 0);
    }

    [Fact, Trait("Fault", "X36")]
    public async Task A_request_in_it_is_refused_since_no_response_can_come()
    {
        Exception? refused = null;
        var handler = new Summing
        {
            Ending = async connection => refused = await Record.ExceptionAsync(async () => await connection.RequestAsync("more?"u8.ToArray())),
        };
        await using var bed = await new TestBed().StartAsync(_ => handler);
        await using var peer = await bed.ConnectRawAsync();
        await peer.FinishAsync();

        await handler.ClosedCall;
        refused.Should().BeOfType<ConnectionClosedException>();
    }

    [Fact, Trait("Fault", "X36")]
    public async Task Code_behind_a_message_loop_may_still_send()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.HandlerFactory = Handlers.Loop(async (connection, messages) =>
        {
            var lines = 0;
            await foreach (var _ in messages)
            {
                lines++;
            }

            await connection.SendAsync($"{lines} lines");
        }));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\nc\n");
        var connection = bed.Server.Connections.Single();
        await peer.FinishAsync();

        (await peer.ReceiveToEndAsync()).Should().Be("3 lines\n");
        (await connection.Closed.WaitAsync(TestBed.Patience)).Kind.Should().Be(CloseKind.PeerClosed);
    }

    [Fact, Trait("Fault", "X36")]
    public async Task What_is_thrown_behind_a_message_loop_is_the_handlers_failure()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.HandlerFactory = Handlers.Loop(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
            }

            throw new InvalidDataException("no sum");
        }));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Server.Connections.Single();
        await peer.FinishAsync();

        (await connection.Closed.WaitAsync(TestBed.Patience)).Kind.Should().Be(CloseKind.HandlerFailed);
    }

    private sealed class Summing : ConnectionHandler
    {
        public List<string> Calls { get; } = [];

        public TaskCompletionSource<CloseReason> Closing { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<CloseReason> ClosedCall => Closing.Task.WaitAsync(TestBed.Patience);

        public Task Message { get; init; } = Task.CompletedTask;

        public Func<IConnection, Task> Ending { get; init; } = _ => Task.CompletedTask;

        public override ValueTask OnConnectedAsync(IConnection connection)
        {
            Calls.Add("connected");
            return default;
        }

        public override async ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            Calls.Add(message.Text());
            await Message;
        }

        public override async ValueTask OnInputEndedAsync(IConnection connection)
        {
            Calls.Add("input ended");
            await Ending(connection);
            await connection.SendAsync($"{Calls.Count - 2} lines");
        }

        public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            Calls.Add("closed");
            Closing.SetResult(reason);
            return default;
        }
    }
}
