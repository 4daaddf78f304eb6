using System.Net;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

public class TcpListenerTests : StreamListenerContract
{
    protected override Listener Make() => TestEngine.Listen("127.0.0.1", 0);

    protected override ValueTask<Transport> DialAsync(EndPoint endPoint) => TestEngine.Dial(endPoint).DialAsync(new(), CancellationToken.None);

    [Fact]
    public async Task BindAsync_resolves_port_0()
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        listener.EndPoint.Should().Be(new IPEndPoint(IPAddress.Loopback, 0));

        await listener.BindAsync(new(), default);

        var endPoint = listener.EndPoint.Should().BeOfType<IPEndPoint>().Which;
        endPoint.Address.Should().Be(IPAddress.Loopback);
        endPoint.Port.Should().BePositive();
        listener.ToString().Should().Be($"tcp://127.0.0.1:{endPoint.Port}");
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task BindAsync_names_the_address_that_is_in_use()
    {
        await using var first = await ListenAsync(TestEngine.Listen("127.0.0.1", 0));
        await using var second = TestEngine.Listen((IPEndPoint)first.EndPoint);

        var bind = async () => await second.BindAsync(new(), default);

        var exception = (await bind.Should().ThrowAsync<ListenException>()).Which;
        exception.EndPoint.Should().Be(first.EndPoint);
        exception.Message.Should().Contain(first.EndPoint.ToString()).And.Contain("in use");
        exception.InnerException.Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.AddressAlreadyInUse);
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task BindAsync_names_an_address_that_is_not_this_machines()
    {
        // TEST-NET-1 of RFC 5737 belongs to no machine.
        await using var listener = TestEngine.Listen("192.0.2.1", 0);

        var bind = async () => await listener.BindAsync(new(), default);

        (await bind.Should().ThrowAsync<ListenException>()).Which.Message.Should().Contain("192.0.2.1").And.Contain("no such address");
    }

    [Fact]
    public async Task BindAsync_takes_a_name_and_prefers_IPv4()
    {
        await using var listener = TestEngine.Listen(new DnsEndPoint("self.test", 0), (_, _) => new ValueTask<IPAddress[]>([IPAddress.IPv6Loopback, IPAddress.Loopback]));

        await listener.BindAsync(new(), default);

        listener.EndPoint.Should().BeOfType<IPEndPoint>().Which.Address.Should().Be(IPAddress.Loopback);
    }

    [Fact]
    public async Task BindAsync_says_which_name_cannot_be_resolved()
    {
        await using var listener = TestEngine.Listen(new DnsEndPoint("nowhere.test", 0), (_, _) => throw new SocketException((int)SocketError.HostNotFound));

        var bind = async () => await listener.BindAsync(new(), default);

        (await bind.Should().ThrowAsync<ListenException>()).Which.Message.Should().Contain("nowhere.test");
    }

    [Fact]
    public async Task All_addresses_take_IPv4_and_IPv6_and_an_IPv4_peer_shows_as_IPv4()
    {
        await using var listener = await ListenAsync(TestEngine.Listen(0));
        var port = ((IPEndPoint)listener.EndPoint).Port;

        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            var accept = listener.AcceptAsync().AsTask();
            await using var dialled = await TestEngine.Dial(new IPEndPoint(address, port)).DialAsync(new(), CancellationToken.None);
            await using var accepted = await accept.WaitAsync(Patience);

            accepted!.RemoteEndPoint.Should().Be(dialled.LocalEndPoint).And.BeOfType<IPEndPoint>().Which.Address.Should().Be(address);
            accepted.LocalEndPoint.Should().Be(new IPEndPoint(address, port));
        }
    }

    [Fact]
    public async Task An_accepted_connection_has_the_options_of_a_long_lived_one()
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new() { SlowConsumerTimeout = TimeSpan.FromSeconds(45) }, default);
        var accept = listener.AcceptAsync().AsTask();
        await using var dialled = await TestEngine.Dial((IPEndPoint)listener.EndPoint).DialAsync(new(), CancellationToken.None);
        await using var accepted = await accept.WaitAsync(Patience);

        TcpOptionsCheck.ShouldBeSet(accepted, userTimeout: TimeSpan.FromSeconds(45));
    }

    [Theory]
    [Trait("Fault", "X05")]
    [InlineData(false, -1, 0)]
    [InlineData(true, 90_000, 90_000)]
    [InlineData(false, 5, 5)]
    public async Task Both_ends_look_for_dead_peers_as_their_options_say(bool keepAlive, int userTimeout, int expected)
    {
        var time = TimeSpan.FromMilliseconds(userTimeout);
        await using var listener = TestEngine.Listen("127.0.0.1", 0, new TcpListenOptions { KeepAlive = keepAlive, UserTimeout = time });
        await listener.BindAsync(new() { SlowConsumerTimeout = TimeSpan.FromSeconds(45) }, default);
        var accept = listener.AcceptAsync().AsTask();
        var options = new TcpDialOptions { Engine = TestEngine.Engine, KeepAlive = keepAlive, UserTimeout = time };
        var dialer = Dial.Tcp((IPEndPoint)listener.EndPoint, options);
        await using var dialled = await dialer.DialAsync(new(), CancellationToken.None);
        await using var accepted = await accept.WaitAsync(Patience);

        TcpOptionsCheck.ShouldLookForDeadPeers(accepted, keepAlive, expected);
        TcpOptionsCheck.ShouldLookForDeadPeers(dialled, keepAlive, expected);
    }

    [Theory]
    [Trait("Fault", "X05")]
    [InlineData(0)]
    [InlineData(-2)]
    [InlineData(25L * 24 * 3600 * 1000)]
    public void A_user_timeout_out_of_range_is_refused_at_once(long milliseconds)
    {
        var time = TimeSpan.FromMilliseconds(milliseconds);

        var listen = () => Listen.Tcp("127.0.0.1", 0, new TcpListenOptions { UserTimeout = time });
        var dial = () => Dial.Tcp("127.0.0.1", 1, new TcpDialOptions { UserTimeout = time });

        listen.Should().Throw<OptionsException>().Which.Option.Should().Be("TcpListenOptions.UserTimeout");
        dial.Should().Throw<OptionsException>().Which.Option.Should().Be("TcpDialOptions.UserTimeout");
    }

    [Fact]
    [Trait("Fault", "N12")]
    public async Task The_address_can_be_taken_again_at_once_also_with_connections_in_TIME_WAIT_and_alive()
    {
        var endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        var alive = new List<Transport>();
        for (var round = 0; round < 20; round++)
        {
            var listener = await ListenAsync(TestEngine.Listen(endPoint));
            endPoint = (IPEndPoint)listener.EndPoint;
            var accept = listener.AcceptAsync().AsTask();
            var dialled = await TestEngine.Dial(endPoint).DialAsync(new(), CancellationToken.None).AsTask().WaitAsync(Patience);
            var accepted = (await accept.WaitAsync(Patience))!;
            alive.AddRange([dialled, accepted]);
            if (round % 2 == 0)
            {
                // The end that finishes first is the one whose address stays in TIME_WAIT.
                await accepted.CompleteOutputAsync();
                (await dialled.ReceiveAsync(new byte[1])).Count.Should().Be(0);
                await dialled.DisposeAsync();
                (await accepted.ReceiveAsync(new byte[1])).Count.Should().Be(0);
                await accepted.DisposeAsync();
            }

            await listener.StopAsync();
        }

        foreach (var transport in alive)
        {
            transport.Abort();
            await transport.DisposeAsync();
        }
    }
}
