using System.Buffers;
using System.Net.Sockets;
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
        var gate = new SemaphoreSlim(0);
        var closing = new SemaphoreSlim(0);
        await using var server = await TestServer.StartAsync(async (connection, message) =>
        {
            if (message.Span.SequenceEqual("bystander"u8))
            {
                await connection.SendAsync(message);
                return;
            }

            await gate.WaitAsync();
            await connection.SendAsync(reply);
            await connection.CloseAsync("enough");
            closing.Release();
        }, options => options.CloseTimeout = TestServer.Patience);
        using var bystander = await RawPeer.ConnectAsync(server.EndPoint);
        await bystander.EchoAsync("bystander");
        await server.OpenedAsync();

        // The first is handled; then the mailbox is full, so the rest stays in the kernel. Closing a socket there and then makes the kernel
        // reset it, which takes with it what the peer's small buffer had no room for yet.
        var requests = Encoding.ASCII.GetBytes("first\n" + string.Concat(Enumerable.Repeat("never read\n", 20_000)));
        var arrived = 0;
        for (var i = 0; i < attempts; i++)
        {
            using var peer = await RawPeer.ConnectAsync(server.EndPoint, receiveBuffer: 4096);
            var sending = peer.SendAsync(requests);
            var session = await server.OpenedAsync();
            (await session.MessageAsync()).Should().Be("first");
            gate.Release();

            // Everything is sent, as far as the server can tell, and whatever else it does at once is done as well.
            (await closing.WaitAsync(TestServer.Patience)).Should().BeTrue();
            await bystander.EchoAsync("bystander");
            try
            {
                arrived += Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()) == reply + "\n" ? 1 : 0;
                await sending;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
            {
                // One that did not arrive.
            }

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

    [Fact]
    public async Task A_handler_that_has_closed_is_not_called_with_a_message_that_was_being_parsed_meanwhile()
    {
        // Its continuations run inline: what awaits it goes on, and ends, inside of the framer's second call.
        var gate = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(
            async (connection, _) =>
            {
                await gate.Task;
                await connection.CloseAsync("enough");
            },
            options => options.Framer = new ParseHook(beforeRead: call =>
            {
                if (call == 2)
                {
                    gate.SetResult();
                }
            }));
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);

        await peer.SendAsync("first\nsecond\n");

        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
        peer.Dispose();
        var session = await server.OpenedAsync();
        var reason = await session.ClosedAsync();
        reason.Detail.Should().Be("enough");
        reason.DiscardedMessages.Should().Be(1);
        (await session.MessageAsync()).Should().Be("first");
        session.WaitingMessages.Should().Be(0);
    }

    /// <summary>Lines, and a call of the test's before each parse.</summary>
    private sealed class ParseHook(Action<int> beforeRead) : IFramer
    {
        private static readonly LinesFramer Lines = Framers.Lines();
        private int _calls;

        public Frame Read(Span<byte> input, long resume)
        {
            beforeRead(++_calls);
            return Lines.Read(input, resume);
        }

        public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output) => Lines.Write(message, output);
    }
}
