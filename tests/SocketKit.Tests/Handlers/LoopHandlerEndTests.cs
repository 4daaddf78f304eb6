using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Handlers;

public class LoopHandlerEndTests
{
    private static readonly CloseReason Closed = RecordingConnection.PeerClosed;
    private readonly RecordingConnection _connection = new();
    private readonly List<string> _seen = [];

    [Fact]
    public async Task A_function_that_returns_early_closes_gracefully_and_then_completes_the_call()
    {
        var flushed = new TaskCompletionSource();
        _connection.OnClose = () => new(flushed.Task);
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                if (Text(message) == "bye")
                {
                    return;
                }
            }
        });
        handler.OnConnectedAsync(_connection).Now();
        handler.OnMessageAsync(_connection, Bytes("a")).Now();
        _connection.Closes.Should().BeEmpty();

        var call = handler.OnMessageAsync(_connection, Bytes("bye")).AsTask();
        _connection.Closes.Should().ContainSingle();
        call.IsCompleted.Should().BeFalse();
        flushed.SetResult();
        await call.Soon();

        handler.OnMessageAsync(_connection, Bytes("late")).Now();
        handler.OnClosedAsync(_connection, Closed).Now();
        _connection.Aborted.Should().BeFalse();
    }

    [Fact]
    public void A_function_that_never_asks_closes_gracefully()
    {
        var handler = Make((_, _) => default);

        handler.OnConnectedAsync(_connection).Now();

        _connection.Closes.Should().ContainSingle();
        handler.OnClosedAsync(_connection, Closed).Now();
    }

    [Fact]
    public async Task What_the_function_throws_before_it_asks_comes_out_of_OnConnected()
    {
        var gate = new TaskCompletionSource();
        var atOnce = Make((_, _) => throw new InvalidOperationException("at once"));
        var later = Make(async (_, _) =>
        {
            await gate.Task;
            throw new InvalidOperationException("later");
        });

        var call = later.OnConnectedAsync(_connection).AsTask();
        gate.SetResult();

        atOnce.Invoking(h => h.OnConnectedAsync(_connection).Now()).Should().Throw<InvalidOperationException>().WithMessage("at once");
        (await call.Awaiting(t => t.Soon()).Should().ThrowAsync<InvalidOperationException>()).WithMessage("later");
        _connection.Closes.Should().BeEmpty("the connection closes by itself when a handler fails");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_function_throws_at_a_message_comes_out_of_OnMessage_and_only_there(bool waits)
    {
        var gate = new TaskCompletionSource();
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                if (waits)
                {
                    await gate.Task;
                }

                throw new InvalidOperationException("at " + Text(message));
            }
        });
        handler.OnConnectedAsync(_connection).Now();

        var call = handler.OnMessageAsync(_connection, Bytes("a")).AsTask();
        call.IsCompleted.Should().Be(!waits);
        gate.SetResult();

        (await call.Awaiting(t => t.Soon()).Should().ThrowAsync<InvalidOperationException>()).WithMessage("at a");
        await handler.OnClosedAsync(_connection, Closed);
        _connection.Closes.Should().BeEmpty();
    }

    [Fact]
    public async Task What_the_function_throws_when_no_call_is_under_way_closes_the_connection_and_comes_out_of_OnClosed()
    {
        var gate = new TaskCompletionSource();
        var handler = Make(async (_, messages) =>
        {
            await using var enumerator = messages.GetAsyncEnumerator();
            var next = enumerator.MoveNextAsync();
            await gate.Task;
            throw new InvalidOperationException($"tired of waiting, {next.IsCompleted}");
        });
        handler.OnConnectedAsync(_connection).Now();

        gate.SetResult();
        await _connection.Closed.Soon();

        _connection.Closes.Should().ContainSingle().Which.Should().Contain("tired of waiting");
        handler.OnMessageAsync(_connection, Bytes("late")).Now();
        (await handler.Awaiting(h => h.OnClosedAsync(_connection, Closed).AsTask().Soon()).Should().ThrowAsync<InvalidOperationException>()).WithMessage("tired*");
    }

    [Fact]
    public async Task OnClosed_ends_the_loop_and_waits_for_what_stands_behind_it()
    {
        var gate = new TaskCompletionSource();
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                _seen.Add(Text(message));
            }

            _seen.Add("cleaning up");
            await gate.Task;
            _seen.Add("cleaned up");
        });
        handler.OnConnectedAsync(_connection).Now();

        var closed = handler.OnClosedAsync(_connection, Closed).AsTask();
        _seen.Should().Equal("cleaning up");
        closed.IsCompleted.Should().BeFalse();
        gate.SetResult();
        await closed.Soon();

        _seen.Should().Equal("cleaning up", "cleaned up");
        _connection.Closes.Should().BeEmpty();
    }

    [Fact]
    public async Task What_the_function_throws_after_the_end_comes_out_of_OnClosed()
    {
        var handler = Make(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                _seen.Add(Text(message));
            }

            throw new InvalidOperationException("behind the loop");
        });
        handler.OnConnectedAsync(_connection).Now();

        (await handler.Awaiting(h => h.OnClosedAsync(_connection, Closed).AsTask().Soon()).Should().ThrowAsync<InvalidOperationException>())
            .WithMessage("behind the loop");
        _connection.Closes.Should().BeEmpty();
    }

    [Fact]
    public void After_the_end_every_loop_is_empty()
    {
        var handler = Make(async (_, messages) =>
        {
            for (var round = 0; round < 3; round++)
            {
                await foreach (var message in messages)
                {
                    _seen.Add(Text(message));
                }

                _seen.Add($"end {round}");
            }
        });
        handler.OnConnectedAsync(_connection).Now();
        handler.OnMessageAsync(_connection, Bytes("a")).Now();
        handler.OnClosedAsync(_connection, Closed).Now();

        _seen.Should().Equal("a", "end 0", "end 1", "end 2");
    }

    [Fact]
    public async Task Tokens_that_fire_at_any_moment_neither_lose_nor_double_a_message()
    {
        const int Cancellations = 50;
        var got = 0;
        var inOrder = true;
        var sent = 0;
        var cancelled = 0;
        var current = new CancellationTokenSource();
        var handler = Make(async (_, messages) =>
        {
            while (true)
            {
                var cancellation = new CancellationTokenSource();
                Volatile.Write(ref current, cancellation);
                try
                {
                    await foreach (var message in messages.WithCancellation(cancellation.Token))
                    {
                        inOrder &= BitConverter.ToInt32(message.Span) == got++;
                    }

                    return;
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                }
            }
        });
        using var done = new CancellationTokenSource(TimeSpan.FromSeconds(50));

        var canceller = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                Volatile.Read(ref current).Cancel();
                Thread.Yield();
            }
        });
        await Task.Run(async () =>
        {
            await handler.OnConnectedAsync(_connection);
            while (cancelled < Cancellations && !done.IsCancellationRequested)
            {
                await handler.OnMessageAsync(_connection, BitConverter.GetBytes(sent++));
            }

            await handler.OnClosedAsync(_connection, Closed);
        }).WaitAsync(TimeSpan.FromSeconds(60));
        await done.CancelAsync();
        await canceller.Soon();

        cancelled.Should().BeGreaterThanOrEqualTo(Cancellations);
        got.Should().Be(sent);
        inOrder.Should().BeTrue();
    }

    private ConnectionHandler Make(Func<IConnection, IAsyncEnumerable<ReadOnlyMemory<byte>>, ValueTask> loop)
    {
        // As on the threads that serve connections; the test framework's own context would keep a task's continuation from running inline.
        SynchronizationContext.SetSynchronizationContext(null);
        return Handlers.Loop(loop)(_connection);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> message) => Encoding.UTF8.GetString(message.Span);
}
