using System.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>How a connection begins.</summary>
public class StartTests
{
    [Fact, Trait("Fault", "X01")]
    public async Task The_starters_stack_is_left_also_when_the_transport_yields_at_once()
    {
        var stack = "";
        await using var bed = new TestBed();
        await bed.StartAsync(configure: options =>
        {
            ((WatchedListener)options.Listeners[0]).YieldsAtOnce = true;
            var make = options.HandlerFactory!;
            options.HandlerFactory = connection =>
            {
                stack = new StackTrace().ToString();
                return make(connection);
            };
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("hello\n");
        (await peer.ReceiveAsync()).Should().Be("hello\n");

        stack.Should().NotContain("AcceptLoop").And.NotContain("Accepted").And.NotBeEmpty();
    }

    [Fact, Trait("Fault", "X17")]
    public async Task A_transport_whose_facts_throw_is_released_and_the_next_one_is_served()
    {
        await using var bed = await new TestBed().StartAsync();
        bed.Listener.AreBroken = true;
        await using var lost = await bed.ConnectRawAsync();
        (await lost.EndsAsync()).Should().BeFalse("it is reset");
        bed.Listener.Wire.Disposed.Should().BeTrue();
        bed.Server.Connections.Count.Should().Be(0);

        bed.Listener.AreBroken = false;
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(0.1);
        await peer.SendAsync("hello\n");
        (await peer.ReceiveAsync()).Should().Be("hello\n");
        await Eventually.TrueAsync(() => bed.Logs.GetSnapshot().Any(record => record.Message.Contains("broken", StringComparison.Ordinal)));
    }
}
