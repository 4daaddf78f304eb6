using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Handlers;

public class LoopHandlerTests
{
    private static readonly CloseReason Closed = RecordingConnection.PeerClosed;
    private readonly RecordingConnection _connection = new();
    private readonly List<string> _seen = [];

    [Fact]
    public void A_loop_that_does_not_wait_runs_inline()
    {
        var handler = Make(async (connection, messages) =>
        {
            _seen.Add("connected");
            await foreach (var message in messages)
            {
                _seen.Add(Text(message));
                await connection.SendAsync(message);
            }

            _seen.Add("closed");
        });

        handler.OnConnectedAsync(_connection).Now();
        _seen.Should().Equal("connected");
        handler.OnMessageAsync(_connection, Bytes("a")).Now();
        handler.OnMessageAsync(_connection, Bytes("b")).Now();
        _seen.Should().Equal("connected", "a", "b");
        handler.OnClosedAsync(_connection, Closed).Now();

        _seen.Should().Equal("connected", "a", "b", "closed");
        _connection.SentTexts.Should().Equal("a", "b");
        _connection.Closes.Should().BeEmpty();
    }

    [Fact]
    public async Task A_message_is_the_loops_until_it_asks_for_the_next()
    {
        var gate = new TaskCompletionSource();
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                await gate.Task;
                _seen.Add(Text(message));
            }
        });
        handler.OnConnectedAsync(_connection).Now();

        var call = handler.OnMessageAsync(_connection, Bytes("a")).AsTask();
        call.IsCompleted.Should().BeFalse();
        _seen.Should().BeEmpty();
        gate.SetResult();
        await call.Soon();

        _seen.Should().Equal("a");
        handler.OnMessageAsync(_connection, Bytes("b")).Now();
        _seen.Should().Equal("a", "b");
    }

    [Fact]
    public async Task OnConnected_completes_when_the_loop_first_asks()
    {
        var gate = new TaskCompletionSource();
        var handler = Make(async (_, messages) =>
        {
            await gate.Task;
            await foreach (var message in messages)
            {
                _seen.Add(Text(message));
            }
        });

        var call = handler.OnConnectedAsync(_connection).AsTask();
        call.IsCompleted.Should().BeFalse();
        gate.SetResult();
        await call.Soon();

        handler.OnMessageAsync(_connection, Bytes("a")).Now();
        _seen.Should().Equal("a");
    }

    [Fact]
    public async Task Continuations_run_inline_in_both_directions_without_recursion()
    {
        // A driver such as a mailbox: it calls again as soon as the call before completes, on the stack of the loop that asked.
        const int Messages = 100_000;
        var gate = new TaskCompletionSource();
        var count = 0;
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                if (count++ == 0)
                {
                    await gate.Task;
                }
            }
        });
        handler.OnConnectedAsync(_connection).Now();

        var driver = DriveAsync();
        driver.IsCompleted.Should().BeFalse();
        gate.SetResult();

        driver.IsCompleted.Should().BeTrue();
        await driver;
        count.Should().Be(Messages);

        async Task DriveAsync()
        {
            for (var number = 0; number < Messages; number++)
            {
                await handler.OnMessageAsync(_connection, Bytes("x"));
            }
        }
    }

    [Fact]
    public async Task A_loop_that_waits_every_time_gets_every_message_in_order_while_another_thread_drives()
    {
        const int Messages = 20_000;
        var got = new List<int>();
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                if (got.Count % 3 == 0)
                {
                    await Task.Yield();
                }

                got.Add(BitConverter.ToInt32(message.Span));
            }
        });

        await Task.Run(async () =>
        {
            await handler.OnConnectedAsync(_connection);
            for (var number = 0; number < Messages; number++)
            {
                await handler.OnMessageAsync(_connection, BitConverter.GetBytes(number));
            }

            await handler.OnClosedAsync(_connection, Closed);
        }).WaitAsync(TimeSpan.FromSeconds(60));

        got.Should().Equal(Enumerable.Range(0, Messages));
    }

    [Fact]
    public async Task A_loop_may_be_left_and_a_second_one_begun()
    {
        var gate = new TaskCompletionSource();
        var handler = Make(async (_, messages) =>
        {
            var kept = default(ReadOnlyMemory<byte>);
            await foreach (var message in messages)
            {
                kept = message;
                break;
            }

            await gate.Task;
            _seen.Add("log-in " + Text(kept));
            await foreach (var message in messages)
            {
                _seen.Add(Text(message));
            }
        });
        handler.OnConnectedAsync(_connection).Now();

        var call = handler.OnMessageAsync(_connection, Bytes("me")).AsTask();
        call.IsCompleted.Should().BeFalse("the message is still in use");
        gate.SetResult();
        await call.Soon();
        handler.OnMessageAsync(_connection, Bytes("a")).Now();

        _seen.Should().Equal("log-in me", "a");
    }

    [Fact]
    public async Task A_token_ends_the_wait_and_no_message_is_lost()
    {
        using var cancellation = new CancellationTokenSource();
        using var cancelling = new ThreadLocal<bool>();
        var inside = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource();
        var handler = Make(async (_, messages) =>
        {
            try
            {
                await foreach (var message in messages.WithCancellation(cancellation.Token))
                {
                    _seen.Add(Text(message));
                }
            }
            catch (OperationCanceledException exception) when (exception.CancellationToken == cancellation.Token)
            {
                _seen.Add("cancelled");
                inside.SetResult(cancelling.Value);
            }

            await gate.Task;
            await foreach (var message in messages)
            {
                _seen.Add(Text(message));
            }

            _seen.Add("end");
        });
        handler.OnConnectedAsync(_connection).Now();
        handler.OnMessageAsync(_connection, Bytes("a")).Now();

        cancelling.Value = true;
        cancellation.Cancel();
        cancelling.Value = false;
        (await inside.Task.Soon()).Should().BeFalse("who cancels is not made to run the loop");
        var call = handler.OnMessageAsync(_connection, Bytes("b")).AsTask();
        call.IsCompleted.Should().BeFalse();
        _seen.Should().Equal("a", "cancelled");
        gate.SetResult();
        await call.Soon();
        await handler.OnMessageAsync(_connection, Bytes("c")).AsTask().Soon();
        await handler.OnClosedAsync(_connection, Closed).AsTask().Soon();

        _seen.Should().Equal("a", "cancelled", "b", "c", "end");
    }

    [Fact]
    public void A_token_cancelled_at_work_shows_at_the_next_ask()
    {
        using var cancellation = new CancellationTokenSource();
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages.WithCancellation(cancellation.Token))
            {
                _seen.Add(Text(message));
                cancellation.Cancel();
            }
        });
        handler.OnConnectedAsync(_connection).Now();

        handler.Invoking(h => h.OnMessageAsync(_connection, Bytes("a")).Now()).Should().Throw<OperationCanceledException>();
        _seen.Should().Equal("a");
    }

    [Fact]
    public void The_loop_runs_inline_even_if_it_asked_in_some_context()
    {
        var handler = Make(async (_, messages) =>
        {
            SynchronizationContext.SetSynchronizationContext(new DeafContext());
            await foreach (var message in messages)
            {
                _seen.Add(Text(message));
            }
        });
        handler.OnConnectedAsync(_connection).Now();

        handler.OnMessageAsync(_connection, Bytes("a")).Now();

        _seen.Should().Equal("a");
    }

    [Fact]
    public void Two_loops_at_once_and_asking_twice_are_refused()
    {
        var handler = Make(async (connection, messages) =>
        {
            await using var enumerator = messages.GetAsyncEnumerator();
            messages.Invoking(m => m.GetAsyncEnumerator()).Should().Throw<InvalidOperationException>().WithMessage("*one loop at a time*");
            var next = enumerator.MoveNextAsync();
            Action again = () => _ = enumerator.MoveNextAsync().AsTask();
            again.Should().Throw<InvalidOperationException>().WithMessage("*already*");
            (await next).Should().BeTrue();
            _seen.Add(Text(enumerator.Current));
        });

        handler.OnConnectedAsync(_connection).Now();
        handler.OnMessageAsync(_connection, Bytes("a")).Now();

        _seen.Should().Equal("a");
    }

    [Fact]
    public void A_message_allocates_nothing()
    {
        var connection = new RecordingConnection { Records = false };
        var handler = Make(async (to, messages) =>
        {
            await foreach (var message in messages)
            {
                await to.SendAsync(message);
            }
        });
        ReadOnlyMemory<byte> hello = Bytes("hello");
        handler.OnConnectedAsync(connection).Now();

        Allocations.Of(() => handler.OnMessageAsync(connection, hello).Now()).Should().Be(0);
        connection.BytesSent.Should().BePositive();
    }

    private ConnectionHandler Make(Func<IConnection, IAsyncEnumerable<ReadOnlyMemory<byte>>, ValueTask> loop)
    {
        // As on the threads that serve connections; the test framework's own context would keep a task's continuation from running inline.
        SynchronizationContext.SetSynchronizationContext(null);
        return Handlers.Loop(loop)(_connection);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> message) => Encoding.UTF8.GetString(message.Span);

    private sealed class DeafContext : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing is to be posted here.");
    }
}
