using System.Text;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests;

/// <summary>A close delivers what was sent before it.</summary>
public class GracefulCloseTests
{
    [Fact]
    public async Task Replies_arrive_although_the_peer_has_sent_more_than_the_server_will_ever_read()
    {
        const int attempts = 50;
        var reply = new string('r', 100_000);
        await using var server = await TestServer.StartAsync(async (connection, message) =>
        {
            await connection.SendAsync(reply);
            await connection.CloseAsync("enough");
        });
        var unread = Encoding.ASCII.GetBytes("first\n" + string.Concat(Enumerable.Repeat("never read\n", 1000)));
        var arrived = 0;
        for (var i = 0; i < attempts; i++)
        {
            using var peer = await RawPeer.ConnectAsync(server.EndPoint);
            await peer.SendAsync(unread);
            var session = await server.OpenedAsync();
            (await session.MessageAsync()).Should().Be("first");

            // More comes when the server is closing: by itself the kernel answers that with a reset, which takes the replies with it.
            await peer.SendAsync(unread);
            arrived += Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()) == reply + "\n" ? 1 : 0;
            peer.Dispose();
            (await session.ClosedAsync()).Kind.Should().Be(CloseKind.LocalClosed);
        }

        arrived.Should().Be(attempts);
    }

    [Fact]
    public async Task A_protocol_error_lets_earlier_replies_arrive()
    {
        await using var server = await TestServer.StartAsync(configure: options => options.Framer = Framers.LengthPrefixed());
        for (var i = 0; i < 50; i++)
        {
            using var peer = await RawPeer.ConnectAsync(server.EndPoint);

            await peer.SendAsync([0, 0, 0, 2, 111, 107, .. Enumerable.Repeat((byte)0xff, 10_000)]);

            peer.Finish();
            (await peer.ReceiveToEndAsync()).Should().Equal(0, 0, 0, 2, 111, 107);
            (await (await server.OpenedAsync()).ClosedAsync()).Kind.Should().Be(CloseKind.FrameTooLarge);
        }
    }

    [Fact]
    public async Task The_end_of_the_peers_stream_does_not_end_the_replies()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TestServer.StartAsync(async (connection, message) =>
        {
            await gate.Task;
            await connection.SendAsync(message);
        });
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.SendAsync(string.Concat(Enumerable.Range(0, 200).Select(i => $"{i}\n")));
        peer.Finish();
        await (await server.OpenedAsync()).MessageAsync();
        gate.SetResult();

        var replies = Encoding.ASCII.GetString(await peer.ReceiveToEndAsync());

        replies.Should().Be(string.Concat(Enumerable.Range(0, 200).Select(i => $"{i}\n")));
    }
}
