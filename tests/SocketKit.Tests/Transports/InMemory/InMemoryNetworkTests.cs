using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace SocketKit.Tests.Transports.InMemory;

public class InMemoryNetworkTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly InMemoryNetwork _network = new();

    [Fact]
    public void The_capacity_is_64_KiB_unless_told_and_at_least_1()
    {
        new InMemoryNetwork().Capacity.Should().Be(65536);
        new InMemoryNetwork(1).Capacity.Should().Be(1);

        var none = () => new InMemoryNetwork(0);
        none.Should().Throw<ArgumentOutOfRangeException>().WithParameterName("capacity");
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task Dialling_is_refused_where_nobody_listens()
    {
        var dial = async () => await _network.Dial("nobody").DialAsync(new(), CancellationToken.None);
        var connect = async () => await _network.ConnectAsync("nobody");

        (await dial.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
        (await connect.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task Listening_on_a_name_in_use_fails_and_names_it_until_it_is_given_back()
    {
        var first = await ListenAsync("server");
        var second = _network.Listen("server");

        var bind = async () => await second.BindAsync(new(), CancellationToken.None);
        (await bind.Should().ThrowAsync<ListenException>()).Which.Message.Should().Contain("memory://server").And.Contain("in use");

        await second.StopAsync();
        await first.StopAsync();
        await bind.Should().ThrowAsync<InvalidOperationException>("it was stopped");
        await using var third = await ListenAsync("server");
    }

    [Fact]
    public async Task A_stop_unblocks_the_accept_refuses_newcomers_and_resets_who_was_not_accepted()
    {
        var listener = await ListenAsync("server");
        var waiting = await _network.ConnectAsync("server");
        await listener.StopAsync();

        (await listener.AcceptAsync()).Should().BeNull();
        var receive = async () => await waiting.ReceiveAsync(new byte[1]);
        (await receive.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
        var connect = async () => await _network.ConnectAsync("server");
        await connect.Should().ThrowAsync<SocketException>();

        var other = await ListenAsync("other");
        var accept = other.AcceptAsync().AsTask();
        await other.StopAsync();
        await other.StopAsync();
        (await accept.WaitAsync(Patience)).Should().BeNull();
    }

    [Fact]
    public async Task A_full_backlog_refuses()
    {
        await using var listener = await ListenAsync("server");
        for (var i = 0; i < 512; i++)
        {
            await _network.ConnectAsync("server");
        }

        var connect = async () => await _network.ConnectAsync("server");

        await connect.Should().ThrowAsync<SocketException>();
    }

    [Fact]
    public async Task Addresses_have_the_listeners_name_and_a_number()
    {
        await using var listener = await ListenAsync("server");
        var first = await _network.ConnectAsync("server");
        var second = await _network.ConnectAsync("server");

        listener.EndPoint.ToString().Should().Be("memory://server");
        listener.EndPoint.AddressFamily.Should().Be(System.Net.Sockets.AddressFamily.Unspecified);
        first.LocalEndPoint!.ToString().Should().Be("memory://server#1");
        second.LocalEndPoint!.ToString().Should().Be("memory://server#2");
        second.RemoteEndPoint.Should().Be(listener.EndPoint).And.Be(new InMemoryEndPoint("server"));
        first.Find<HandlerRules>()!.PoisonsReleasedBuffers.Should().BeTrue();
        _network.Dial("server").ToString().Should().Be("memory://server");
    }

    [Fact]
    public async Task When_a_send_returns_all_that_it_causes_has_happened()
    {
        await using var listener = await ListenAsync("server");
        var echo = EchoAsync(listener);
        var client = await _network.ConnectAsync("server");
        var buffer = new byte[100];

        for (byte i = 0; i < 200; i++)
        {
            var sent = client.SendAsync(new byte[] { i, 2, 3 });
            sent.IsCompletedSuccessfully.Should().BeTrue();

            var received = client.ReceiveAsync(buffer);
            received.IsCompletedSuccessfully.Should().BeTrue("the echo has answered already");
            (await received).Count.Should().Be(3);
            buffer[0].Should().Be(i);
        }

        await client.CompleteOutputAsync();
        echo.IsCompletedSuccessfully.Should().BeTrue("the end has arrived and the echo is done");
        await echo;
    }

    [Fact]
    public async Task When_virtual_time_was_advanced_all_that_it_causes_has_happened()
    {
        var time = new FakeTimeProvider();
        await using var listener = await ListenAsync("server");
        var client = await _network.ConnectAsync("server");
        var server = (await listener.AcceptAsync())!;
        using var timer = time.CreateTimer(_ => _ = client.SendAsync(new byte[] { 1 }).AsTask(), null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        var received = server.ReceiveAsync(new byte[1]).AsTask();

        time.Advance(TimeSpan.FromHours(1));

        received.IsCompletedSuccessfully.Should().BeTrue();
        (await received).Count.Should().Be(1);
    }

    [Fact]
    public async Task Two_ends_that_answer_each_other_are_done_when_the_first_send_returns()
    {
        await using var listener = await ListenAsync("server");
        var serving = CountDownAsync(listener);
        var dialled = await _network.Dial("server").DialAsync(new(), CancellationToken.None);
        var counting = CountDownAsync(dialled);

        await dialled.SendAsync(new byte[] { 200 });

        counting.IsCompletedSuccessfully.Should().BeTrue();
        serving.IsCompletedSuccessfully.Should().BeTrue();
        (await counting + await serving).Should().Be(201);
    }

    [Fact]
    public async Task An_await_in_a_handler_comes_back_to_the_networks_thread()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await ListenAsync("server");
        var handling = HandleAsync(listener, turn.Task);
        var client = await _network.ConnectAsync("server");
        await client.SendAsync(new byte[] { 1 });

        turn.SetResult();

        var (before, after) = await handling.WaitAsync(Patience);
        before.Should().Be("SocketKit in-memory network");
        after.Should().Be(before);
    }

    [Fact]
    public async Task Settle_waits_for_what_came_from_elsewhere()
    {
        var turn = new TaskCompletionSource();
        await using var listener = await ListenAsync("server");
        var handling = HandleAsync(listener, turn.Task);
        var client = await _network.ConnectAsync("server");
        await client.SendAsync(new byte[] { 1 });
        turn.SetResult();

        _network.Settle().Should().BeTrue();

        handling.IsCompleted.Should().BeTrue();
        await handling;
    }

    [Fact]
    public async Task A_send_waits_at_the_capacity_and_goes_on_when_the_peer_reads()
    {
        var network = new InMemoryNetwork(capacity: 10);
        await using var listener = await ListenAsync("server", network);
        var client = await network.ConnectAsync("server");
        var server = (await listener.AcceptAsync())!;

        var send = client.SendAsync(new byte[25]).AsTask();
        send.IsCompleted.Should().BeFalse();
        client.BytesSent.Should().Be(10);

        (await server.ReceiveAsync(new byte[4])).Count.Should().Be(4);
        client.BytesSent.Should().Be(14);
        (await server.ReceiveAsync(new byte[100])).Count.Should().Be(10);
        send.IsCompleted.Should().BeFalse();
        (await server.ReceiveAsync(new byte[100])).Count.Should().Be(10);

        send.IsCompletedSuccessfully.Should().BeTrue("the receive made room, and the completion has happened when it returns");
        await send;
        client.BytesSent.Should().Be(25);
    }

    [Fact]
    public async Task A_release_with_bytes_unread_is_a_reset_for_the_peer()
    {
        await using var listener = await ListenAsync("server");
        var client = await _network.ConnectAsync("server");
        var server = (await listener.AcceptAsync())!;
        await client.SendAsync(new byte[1]);
        await server.SendAsync(new byte[1]);

        await server.DisposeAsync();

        var receive = async () => await client.ReceiveAsync(new byte[1]);
        (await receive.Should().ThrowAsync<SocketException>("a reset takes the answer with it")).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
    }

    [Fact]
    public async Task A_send_to_a_released_end_is_taken_and_answered_with_a_reset()
    {
        await using var listener = await ListenAsync("server");
        var client = await _network.ConnectAsync("server");
        await (await listener.AcceptAsync())!.DisposeAsync();

        await client.SendAsync(new byte[1]);

        var again = async () => await client.SendAsync(new byte[1]);
        (await again.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
    }

    /// <summary>Receives, awaits something of the test's, and tells the threads' names before and after.</summary>
    private static async Task<(string? Before, string? After)> HandleAsync(Listener listener, Task elsewhere)
    {
        var transport = await listener.AcceptAsync().ConfigureAwait(false);
        await transport!.ReceiveAsync(new byte[1]).ConfigureAwait(false);
        var before = Thread.CurrentThread.Name;
        SynchronizationContext.Current.Should().BeNull("the library's own code needs none");

        // What a connection does around a call of a handler.
        SynchronizationContext.SetSynchronizationContext(transport.Find<HandlerRules>()!.Synchronization);
        await elsewhere;
        return (before, Thread.CurrentThread.Name);
    }

    private static async Task<int> CountDownAsync(Listener listener) => await CountDownAsync((await listener.AcceptAsync().ConfigureAwait(false))!).ConfigureAwait(false);

    /// <summary>Answers a number with the next smaller one, down to 0, and tells how many it got.</summary>
    private static async Task<int> CountDownAsync(Transport transport)
    {
        var buffer = new byte[1];
        for (var count = 0; ; count++)
        {
            if ((await transport.ReceiveAsync(buffer).ConfigureAwait(false)).Count == 0)
            {
                return count;
            }

            if (buffer[0] == 0)
            {
                await transport.CompleteOutputAsync().ConfigureAwait(false);
                return count + 1;
            }

            buffer[0]--;
            await transport.SendAsync(buffer).ConfigureAwait(false);
        }
    }

    private static async Task EchoAsync(Listener listener)
    {
        var transport = (await listener.AcceptAsync().ConfigureAwait(false))!;
        var buffer = new byte[100];
        while (true)
        {
            await transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
            var received = await transport.ReceiveAsync(buffer).ConfigureAwait(false);
            if (received.Count == 0)
            {
                return;
            }

            await transport.SendAsync(buffer.AsMemory(0, received.Count)).ConfigureAwait(false);
        }
    }

    private async Task<Listener> ListenAsync(string name, InMemoryNetwork? network = null)
    {
        var listener = (network ?? _network).Listen(name);
        await listener.BindAsync(new(), CancellationToken.None);
        return listener;
    }
}
