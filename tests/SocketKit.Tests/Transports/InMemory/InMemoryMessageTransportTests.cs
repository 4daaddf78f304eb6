using SocketKit.PassThrough;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.Tests.Transports.InMemory;

/// <summary>The contract of transports that preserve message boundaries.</summary>
public class InMemoryMessageTransportTests : MessageTransportContract
{
    private readonly InMemoryNetwork _network = new();

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => TestAuthority.ConnectAsync(_network.ListenMessages("server"), () => _network.Dial("server"));

    [Fact]
    public async Task What_was_not_received_when_an_end_is_released_is_no_later_message()
    {
        var (left, right) = await PairAsync();
        await SendAsync(left, [1, 2, 3]);
        right.Abort();

        await FluentActions.Awaiting(() => SendAsync(left, [4])).Should().ThrowAsync<System.Net.Sockets.SocketException>();
    }

    [Fact]
    public async Task Empty_messages_that_nobody_receives_are_limited_too()
    {
        var network = new InMemoryNetwork(capacity: 10);
        var (left, right) = await TestAuthority.ConnectAsync(network.ListenMessages("server"), () => network.Dial("server"));
        await using var sending = left;
        await using var receiving = right;

        var send = left.SendAsync(default, new int[11]).AsTask();
        send.IsCompleted.Should().BeFalse();
        for (var i = 0; i < 11; i++)
        {
            (await ReceiveAsync(right)).Should().BeEmpty();
        }

        await send.WaitAsync(Patience);
    }
}

/// <summary>The same on a network that holds less than a message.</summary>
public class LittleInMemoryMessageTransportTests : MessageTransportContract
{
    private readonly InMemoryNetwork _network = new(capacity: 1200);

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => TestAuthority.ConnectAsync(_network.ListenMessages("server"), () => _network.Dial("server"));

    [Theory]
    [InlineData(3000)]
    public async Task A_message_longer_than_what_the_network_holds_is_sent_as_it_is_received(int length)
    {
        var (left, right) = await PairAsync();

        var send = left.SendAsync(Bytes(length)).AsTask();
        send.IsCompleted.Should().BeFalse();

        (await ReceiveAsync(right)).Should().Equal(Bytes(length));
        await send.WaitAsync(Patience);
    }
}

/// <summary>The same through a decorator that changes nothing.</summary>
public class PassThroughMessageTransportTests : MessageTransportContract
{
    private readonly InMemoryNetwork _network = new();

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() =>
        TestAuthority.ConnectAsync(new PassThroughListener(_network.ListenMessages("server")), () => new PassThroughDialer(_network.Dial("server")));
}
