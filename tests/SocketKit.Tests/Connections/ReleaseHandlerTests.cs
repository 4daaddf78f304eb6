using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>What was made for a handler is given back behind its last call.</summary>
public class ReleaseHandlerTests
{
    [Fact]
    public async Task Release_comes_once_behind_the_last_call_with_the_handler_that_was_made()
    {
        var events = new ConcurrentQueue<string>();
        var gate = Gate();
        ConnectionHandler? made = null, released = null;
        await using var bed = await new TestBed().StartAsync(
            _ => made = new TestHandler
            {
                Closed = async (_, _) =>
                {
                    await gate.Task;
                    events.Enqueue("closed");
                },
            },
            options => options.ReleaseHandler = (connection, handler) =>
            {
                released = handler;
                events.Enqueue($"released {connection.Closed.IsCompleted}");
                return default;
            });
        await using var peer = await bed.ConnectRawAsync();
        await peer.FinishAsync();
        (await peer.EndsAsync()).Should().BeTrue();
        events.Should().BeEmpty();
        bed.Open(gate);

        events.Should().Equal("closed", "released True");
        released.Should().BeSameAs(made).And.NotBeNull();
    }

    [Fact]
    public async Task A_stop_waits_for_it()
    {
        var gate = Gate();
        var asked = Gate();
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler(), options => options.ReleaseHandler = async (_, _) =>
        {
            asked.SetResult();
            await gate.Task;
        });
        await using var client = await bed.ConnectAsync();
        var stop = bed.Server.StopAsync();
        await asked.Task.WaitAsync(TestBed.Patience);
        stop.IsCompleted.Should().BeFalse();
        bed.Open(gate);
        await stop.WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task What_it_throws_is_logged_and_nothing_else_happens()
    {
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler { Closed = (_, _) => throw new FormatException("one") }, options => options.ReleaseHandler = (_, _) => throw new FormatException("two"));
        await using (await bed.ConnectAsync())
        {
        }

        bed.Network.Settle();
        bed.Logs.GetSnapshot().Where(line => line.Level == LogLevel.Error).Select(line => line.Exception!.Message).Should().Equal("one", "two");
        await bed.Server.StopAsync().WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task A_handler_whose_connection_is_gone_before_its_first_call_is_released_all_the_same()
    {
        var released = 0;
        await using var bed = await new TestBed().StartAsync(
            connection =>
            {
                connection.Abort();
                return new TestHandler();
            },
            options => options.ReleaseHandler = (_, _) =>
            {
                released++;
                return default;
            });
        await using var peer = await bed.ConnectRawAsync();

        // By a reset, or by the end of the stream: as it comes.
        await peer.EndsAsync();
        bed.Network.Settle();
        released.Should().Be(1);
    }

    [Fact]
    public async Task Without_a_handler_of_its_own_a_client_releases_none()
    {
        var released = 0;
        await using var bed = await new TestBed().StartAsync();
        await using (await bed.ConnectAsync(options => options.ReleaseHandler = (_, _) =>
        {
            released++;
            return default;
        }))
        {
        }

        bed.Network.Settle();
        released.Should().Be(0);
    }
}
