using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

public class ConnectionTests
{
    [Fact]
    public async Task A_line_is_answered()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("hello\n");
        (await peer.ReceiveAsync()).Should().Be("hello\n");
    }

    [Fact]
    public async Task A_client_requests_and_gets_the_response()
    {
        await using var bed = await new TestBed().StartAsync((connection, message) => connection.SendAsync("你猜!"));
        await using var client = await bed.ConnectAsync();
        using var response = await client.RequestAsync("1");
        response.ToString().Should().Be("你猜!");
    }

    [Fact]
    public async Task Calls_come_in_order_and_closed_comes_once()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\n");
        await peer.SendAsync("c\n");
        await peer.FinishAsync();
        bed.Network.Settle();
        var session = bed.Sessions.Single();
        var reason = await session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.PeerClosed);
        session.Events.Should().Equal("connected", "a", "b", "c", "closed");
        bed.Server.Connections.Should().BeEmpty();
    }

    [Fact]
    public async Task An_asynchronous_handler_keeps_its_message_while_others_arrive()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var seen = new List<string>();
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await gate.Task;
            seen.Add(Encoding.UTF8.GetString(message.Span));
            await connection.SendAsync(message);
        });
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 100; i++)
        {
            await peer.SendAsync($"message {i}\n");
        }

        seen.Should().BeEmpty();
        gate.SetResult();
        var expected = string.Concat(Enumerable.Range(0, 100).Select(i => $"message {i}\n"));
        (await peer.ReceiveAsync(expected.Length)).Should().Be(expected);
        seen.Should().HaveCount(100).And.HaveElementAt(99, "message 99");
    }
}
