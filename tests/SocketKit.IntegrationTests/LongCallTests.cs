using System.Diagnostics;
using System.Text;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>A batch holds back nothing for long.</summary>
public class LongCallTests(ITestOutputHelper output)
{
    [Theory]
    [Trait("Fault", "X07")]
    [InlineData("block\n")]
    [InlineData("a\nb\nblock\n")]
    public async Task What_a_handler_sent_before_it_blocks_is_on_its_way(string lines)
    {
        using var blocked = new ManualResetEventSlim();
        await using var server = await TestServer.StartAsync((connection, message) => Work(connection, message, blocked));
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.EchoAsync("warm");

        var watch = Stopwatch.StartNew();
        await peer.SendAsync(lines);
        foreach (var line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            (await peer.ReceiveLineAsync()).Should().Be(line == "block" ? "working" : line);
        }

        output.WriteLine($"X07: the first words of a handler that blocks, and the replies before, came after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(0.15));

        // The same call, later.
        var session = await server.OpenedAsync();
        blocked.Set();
        (await peer.ReceiveLineAsync()).Should().Be("done");
        await peer.EchoAsync("and well");
        GC.KeepAlive(session);
    }

    [Fact]
    [Trait("Fault", "X07")]
    public async Task What_a_handler_sends_while_it_blocks_goes_out_too_also_when_it_has_blocked_before()
    {
        using var steps = new SemaphoreSlim(0);
        await using var server = await TestServer.StartAsync((connection, message) =>
        {
            if (message.Span.SequenceEqual("steps"u8))
            {
                for (var i = 0; i < 3; i++)
                {
                    steps.Wait(TestServer.Patience);
                    _ = connection.SendAsync($"step {i}").AsTask();
                }

                steps.Wait(TestServer.Patience);
            }

            return connection.SendAsync(message);
        });
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        for (var round = 0; round < 3; round++)
        {
            await peer.SendAsync("steps\n");
            for (var i = 0; i < 3; i++)
            {
                steps.Release();
                (await peer.ReceiveLineAsync()).Should().Be($"step {i}");
            }

            steps.Release();
            (await peer.ReceiveLineAsync()).Should().Be("steps");
        }
    }

    private static ValueTask Work(IConnection connection, ReadOnlyMemory<byte> message, ManualResetEventSlim blocked)
    {
        if (Encoding.UTF8.GetString(message.Span) != "block")
        {
            return connection.SendAsync(message);
        }

        _ = connection.SendAsync("working").AsTask();
        blocked.Wait(TestServer.Patience);
        return connection.SendAsync("done");
    }
}
