using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Handlers;

/// <summary>Loops at work in a server on an in-memory network, which overwrites the buffers that are given back.</summary>
public class LoopOnAConnectionTests
{
    [Fact]
    public async Task A_loop_with_a_log_in_serves_and_ends_with_the_connection()
    {
        var ended = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var bed = await StartAsync(async (connection, messages) =>
        {
            var name = "nobody";
            await foreach (var message in messages)
            {
                name = Encoding.UTF8.GetString(message.Span);
                break;
            }

            await connection.SendAsync("hello " + name);
            await foreach (var message in messages)
            {
                await Task.Yield();
                await connection.SendAsync($"{name}: {Encoding.UTF8.GetString(message.Span)}");
            }

            ended.SetResult("ended");
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("Ada\none\ntwo\nthree\n");
        const string Expected = "hello Ada\nAda: one\nAda: two\nAda: three\n";
        (await peer.ReceiveAsync(Expected.Length)).Should().Be(Expected);
        await peer.FinishAsync();

        (await ended.Task.Soon()).Should().Be("ended");
    }

    [Fact]
    public async Task A_loop_that_returns_closes_gracefully()
    {
        await using var bed = await StartAsync(async (connection, messages) =>
        {
            await foreach (var message in messages)
            {
                await connection.SendAsync("bye");
                return;
            }
        });
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Server.Connections.Single();

        await peer.SendAsync("a\nb\n");

        (await peer.ReceiveAsync(100)).Should().Be("bye\n");
        await peer.FinishAsync();
        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.LocalClosed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_loop_that_throws_closes_as_HandlerFailed(bool waits)
    {
        await using var bed = await StartAsync(async (_, messages) =>
        {
            await foreach (var message in messages)
            {
                if (waits)
                {
                    await Task.Yield();
                }

                throw new InvalidOperationException($"cannot serve {message.Length} bytes");
            }
        });
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Server.Connections.Single();

        await peer.SendAsync("abc\n");
        await peer.FinishAsync();

        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.HandlerFailed);
        reason.Exception!.Message.Should().Be("cannot serve 3 bytes");
    }

    [Theory, Trait("Fault", "X20")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_loop_that_throws_after_a_cancelled_wait_closes_as_HandlerFailed(bool again)
    {
        using var cancel = new CancellationTokenSource();
        await using var bed = await StartAsync(async (_, messages) =>
        {
            try
            {
                await foreach (var message in messages.WithCancellation(cancel.Token))
                {
                }
            }
            catch (OperationCanceledException) when (!again)
            {
                throw new InvalidOperationException("no message in time");
            }
        });
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Server.Connections.Single();
        await peer.SendAsync("a\n");

        cancel.Cancel();
        await Eventually.TrueAsync(() => connection.ClosedToken.IsCancellationRequested);
        await peer.FinishAsync();

        var reason = await connection.Closed.Soon();
        (reason.Kind, reason.By).Should().Be((CloseKind.HandlerFailed, CloseParty.Local));
        reason.Exception.Should().BeOfType(again ? typeof(OperationCanceledException) : typeof(InvalidOperationException));
        bed.Network.Settle();
        bed.Logs.GetSnapshot().Should().ContainSingle(line => line.Exception == reason.Exception && line.Id.Id == 22, "it is told once");
    }

    [Fact]
    public async Task Ten_thousand_messages_in_one_write_are_answered_in_order()
    {
        await using var bed = await StartAsync(async (connection, messages) =>
        {
            await foreach (var message in messages)
            {
                await connection.SendAsync(message);
            }
        });
        await using var peer = await bed.ConnectRawAsync();
        var lines = string.Concat(Enumerable.Range(0, 10_000).Select(number => $"{number}\n"));

        var sending = peer.SendAsync(lines);
        (await peer.ReceiveAsync(lines.Length)).Should().Be(lines);
        await sending;
    }

    private static Task<TestBed> StartAsync(Func<IConnection, IAsyncEnumerable<ReadOnlyMemory<byte>>, ValueTask> loop) =>
        new TestBed().StartAsync(configure: options => options.HandlerFactory = Handlers.Loop(loop));
}
