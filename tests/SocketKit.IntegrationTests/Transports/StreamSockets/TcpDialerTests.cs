using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

public class TcpDialerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // TCP to a multicast address fails in the kernel, before a packet leaves, just as it does without a route.
    private static readonly IPAddress Unreachable = IPAddress.Parse("224.0.0.1");

    [Fact]
    public async Task DialAsync_connects_to_an_address()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);
        var endPoint = (IPEndPoint)listener.EndPoint;

        await using var transport = await TestEngine.Dial(endPoint).DialAsync(new(), CancellationToken.None).AsTask().WaitAsync(Patience);

        transport.RemoteEndPoint.Should().Be(endPoint);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Fault", "X24")]
    public async Task An_IPv4_address_in_IPv6_form_is_that_address_for_listening_and_dialling(bool asEndPoint)
    {
        const string mapped = "::ffff:127.0.0.1";
        var address = IPAddress.Parse(mapped);
        await using var listener = asEndPoint ? TestEngine.Listen(new IPEndPoint(address, 0)) : TestEngine.Listen(mapped, 0);
        await listener.BindAsync(new(), CancellationToken.None);
        var bound = (IPEndPoint)listener.EndPoint;
        bound.Address.Should().Be(IPAddress.Loopback);

        await using var transport = await (asEndPoint ? TestEngine.Dial(new IPEndPoint(address, bound.Port))
            : TestEngine.Dial(mapped, bound.Port)).DialAsync(new(), CancellationToken.None);
        transport.RemoteEndPoint.Should().Be(bound);

        // A name may resolve to one, too.
        await using var named = TestEngine.Listen(new DnsEndPoint("mapped.example", 0), (_, _) => new([address]));
        await named.BindAsync(new(), CancellationToken.None);
        await using var other = await new TcpDialer(new DnsEndPoint("mapped.example", ((IPEndPoint)named.EndPoint).Port),
            TestEngine.Connect, (_, _) => new([address])).DialAsync(new(), CancellationToken.None);
        other.RemoteEndPoint.Should().Be(named.EndPoint);
    }

    [Fact]
    [Trait("Fault", "X24")]
    public void An_IPv4_address_in_IPv6_form_may_stand_in_a_URL()
    {
        Dial.Url("tcp://[::ffff:127.0.0.1]:9000").ToString().Should().Be("tcp://127.0.0.1:9000");
        Listen.Url("tcp://[::ffff:127.0.0.1]:9000").ToString().Should().Be("tcp://127.0.0.1:9000");
    }

    [LinuxFact]
    [Trait("Fault", "X31")]
    public async Task Connections_that_come_at_once_are_not_probed_at_once()
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new(), CancellationToken.None);
        var transports = new List<Transport>();
        for (var i = 0; i < 12; i++)
        {
            var accept = listener.AcceptAsync().AsTask();
            transports.Add(await TestEngine.Dial((IPEndPoint)listener.EndPoint).DialAsync(new(), CancellationToken.None));
            transports.Add((await accept.WaitAsync(TimeSpan.FromSeconds(10)))!);
        }

        var seconds = transports.ConvertAll(transport =>
            TestEngine.GetOption(transport, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));

        seconds.Distinct().Should().BeEquivalentTo([6, 8, 10]);
        seconds.Zip(transports).Should().OnlyContain(one =>
            one.First + (2 * TestEngine.GetOption(one.Second, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount)) <= 30);
        transports.ForEach(transport => transport.Abort());
        foreach (var transport in transports)
        {
            await transport.DisposeAsync();
        }
    }

    [Fact]
    public async Task DialAsync_connects_to_a_name()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);

        await using var transport = await TestEngine.Dial("localhost", Port(listener)).DialAsync(new(), CancellationToken.None).AsTask().WaitAsync(Patience);

        transport.RemoteEndPoint.Should().Be(listener.EndPoint);
    }

    [Fact]
    public async Task DialAsync_keeps_to_the_family_that_was_asked_for()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);
        var dialer = new TcpDialer(new DnsEndPoint("both", Port(listener), AddressFamily.InterNetwork), TestEngine.Connect, Resolver(IPAddress.IPv6Loopback, IPAddress.Loopback));

        await using var transport = await dialer.DialAsync(new() { TimeProvider = new FakeTimeProvider() }, default).AsTask().WaitAsync(Patience);

        transport.RemoteEndPoint.Should().Be(listener.EndPoint);
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task DialAsync_says_that_nobody_listens()
    {
        var endPoint = await FreeAddressAsync();
        var watch = Stopwatch.StartNew();

        var dial = async () => await TestEngine.Dial(endPoint).DialAsync(new(), CancellationToken.None);

        var exception = (await dial.Should().ThrowAsync<SocketException>()).Which;
        exception.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
        exception.Message.Should().Contain(endPoint.ToString());
        watch.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(5));
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task DialAsync_refuses_a_connection_to_itself()
    {
        // The kernel may choose the dialled port as the source port; here the test does.
        var dialer = new TcpDialer(new IPEndPoint(IPAddress.Loopback, 9000), (socket, _, token) =>
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return TestEngine.Connect(socket, socket.LocalEndPoint!, token);
        });

        var dial = async () => await dialer.DialAsync(new(), CancellationToken.None).AsTask().WaitAsync(Patience);

        (await dial.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task DialAsync_names_the_name_that_cannot_be_resolved()
    {
        var dialer = new TcpDialer(new DnsEndPoint("nowhere.test", 9000), TestEngine.Connect, (_, _) => throw new SocketException((int)SocketError.HostNotFound));

        var dial = async () => await dialer.DialAsync(new(), CancellationToken.None);

        var exception = (await dial.Should().ThrowAsync<SocketException>()).Which;
        exception.SocketErrorCode.Should().Be(SocketError.HostNotFound);
        exception.Message.Should().Contain("nowhere.test");
    }

    [Fact]
    public async Task Of_a_name_with_very_many_addresses_only_some_are_dialled()
    {
        var dialled = 0;
        var addresses = Enumerable.Range(0, 2_000).Select(number => new IPAddress([127, 0, (byte)(number / 250), (byte)(1 + (number % 250))])).ToArray();
        var dialer = new TcpDialer(
            new DnsEndPoint("many.test", 9000),
            (socket, _, _) =>
            {
                dialled++;
                socket.Dispose();
                throw new SocketException((int)SocketError.ConnectionRefused);
            },
            Resolver(addresses));

        var dial = async () => await dialer.DialAsync(new(), CancellationToken.None);

        await dial.Should().ThrowAsync<SocketException>();
        dialled.Should().Be(TcpDialer.MostAddresses);
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task DialAsync_says_so_when_a_name_has_no_address()
    {
        var dialer = new TcpDialer(new DnsEndPoint("empty.test", 9000), TestEngine.Connect, Resolver());

        var dial = async () => await dialer.DialAsync(new(), CancellationToken.None);

        (await dial.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.NoData);
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task DialAsync_goes_on_to_the_next_address_at_once_when_one_fails()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);
        var dialer = new TcpDialer(new DnsEndPoint("both.test", Port(listener)), TestEngine.Connect, Resolver(IPAddress.IPv6Loopback, Unreachable, IPAddress.Loopback));

        // Time stands still: the last address is tried because those before have failed, not because 250 ms have passed.
        await using var transport = await dialer.DialAsync(new() { TimeProvider = new FakeTimeProvider() }, default).AsTask().WaitAsync(Patience);

        transport.RemoteEndPoint.Should().Be(listener.EndPoint);
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task DialAsync_keeps_all_errors_and_throws_the_most_telling()
    {
        var refused = await FreeAddressAsync();
        var dialer = new TcpDialer(new DnsEndPoint("both.test", refused.Port), TestEngine.Connect, Resolver(IPAddress.Loopback, Unreachable));

        var dial = async () => await dialer.DialAsync(new() { TimeProvider = new FakeTimeProvider() }, default);

        var exception = (await dial.Should().ThrowAsync<SocketException>()).Which;
        exception.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
        exception.Message.Should().Contain(refused.ToString()).And.Contain($"{Unreachable}:{refused.Port}");
    }

    [Fact]
    public async Task DialAsync_resolves_the_name_at_every_dial()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);
        var resolved = 0;
        var dialer = new TcpDialer(new DnsEndPoint("moving.test", Port(listener)), TestEngine.Connect, (_, _) =>
        {
            resolved++;
            return new ValueTask<IPAddress[]>([IPAddress.Loopback]);
        });

        await using var first = await dialer.DialAsync(new(), CancellationToken.None).AsTask().WaitAsync(Patience);
        await using var second = await dialer.DialAsync(new(), CancellationToken.None).AsTask().WaitAsync(Patience);

        resolved.Should().Be(2);
    }

    [FullBacklogFact]
    [Trait("Fault", "N06")]
    public async Task DialAsync_ends_within_100_ms_of_its_cancellation_when_nobody_answers()
    {
        using var hole = new FullBacklog(IPAddress.Loopback);
        var fastest = TimeSpan.MaxValue;
        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var cancellation = new CancellationTokenSource();
            var dial = TestEngine.Dial(hole.EndPoint).DialAsync(new(), cancellation.Token).AsTask();
            dial.IsCompleted.Should().BeFalse();

            var watch = Stopwatch.StartNew();
            await cancellation.CancelAsync();
            var wait = async () => await dial.WaitAsync(Patience);
            (await wait.Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(cancellation.Token);
            fastest = TimeSpan.FromTicks(Math.Min(fastest.Ticks, watch.Elapsed.Ticks));
        }

        // The fastest of five, because the machine may be busy with something else.
        fastest.Should().BeLessThan(TimeSpan.FromMilliseconds(100));
    }

    [FullBacklogFact]
    [Trait("Fault", "N06")]
    public async Task DialAsync_tries_the_next_address_after_250_ms_and_closes_the_loser()
    {
        using var hole = new FullBacklog(IPAddress.IPv6Loopback);
        await using var listener = await ListenAsync(IPAddress.Loopback, hole.EndPoint.Port);
        var accept = listener.AcceptAsync().AsTask();
        var time = new FakeTimeProvider();
        var dialer = new TcpDialer(new DnsEndPoint("both.test", hole.EndPoint.Port), TestEngine.Connect, Resolver(IPAddress.IPv6Loopback, IPAddress.Loopback));
        var dial = dialer.DialAsync(new() { TimeProvider = time }, default).AsTask();

        time.Advance(TimeSpan.FromMilliseconds(249));
        dial.IsCompleted.Should().BeFalse();
        accept.IsCompleted.Should().BeFalse();
        time.Advance(TimeSpan.FromMilliseconds(1));

        await using var transport = await dial.WaitAsync(Patience);
        transport.RemoteEndPoint.Should().Be(listener.EndPoint);
        await using var accepted = await accept.WaitAsync(Patience);
    }

    [Fact]
    public async Task DialAsync_is_cancelled_while_the_name_is_resolved()
    {
        using var cancellation = new CancellationTokenSource();
        var dialer = new TcpDialer(new DnsEndPoint("slow.test", 9000), TestEngine.Connect, async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return [];
        });
        var dial = dialer.DialAsync(new(), cancellation.Token).AsTask();

        await cancellation.CancelAsync();

        var wait = async () => await dial.WaitAsync(Patience);
        await wait.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_dialled_connection_has_the_options_of_a_long_lived_one()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);

        await using var transport = await TestEngine.Dial((IPEndPoint)listener.EndPoint).DialAsync(new(), CancellationToken.None).AsTask().WaitAsync(Patience);

        TcpOptionsCheck.ShouldBeSet(transport, userTimeout: TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task The_user_timeout_follows_a_longer_slow_consumer_deadline()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);
        var dialer = TestEngine.Dial((IPEndPoint)listener.EndPoint);
        await using var transport = await dialer.DialAsync(new() { SlowConsumerTimeout = TimeSpan.FromMinutes(2) }, CancellationToken.None).AsTask().WaitAsync(Patience);

        TcpOptionsCheck.ShouldBeSet(transport, userTimeout: TimeSpan.FromMinutes(2));
    }

    [Theory]
    [InlineData("6 6 6 4 4", "6 4 6 4 6")]
    [InlineData("4 4 6", "4 6 4")]
    [InlineData("6 6", "6 6")]
    [InlineData("4", "4")]
    public void Interleave_alternates_the_families_in_the_order_of_the_resolver(string given, string expected)
    {
        var addresses = given.Split(' ').Select((family, index) => family == "6" ? IPAddress.Parse($"::{index + 1}") : IPAddress.Parse($"127.0.0.{index + 1}")).ToList();

        var ordered = TcpDialer.Interleave(addresses);

        string.Join(' ', ordered.Select(address => address.AddressFamily == AddressFamily.InterNetworkV6 ? "6" : "4")).Should().Be(expected);
        ordered.Should().BeEquivalentTo(addresses);
        ordered.Where(address => address.AddressFamily == AddressFamily.InterNetwork).Should().Equal(addresses.Where(address => address.AddressFamily == AddressFamily.InterNetwork));
    }

    private static Func<string, CancellationToken, ValueTask<IPAddress[]>> Resolver(params IPAddress[] addresses) => (_, _) => new ValueTask<IPAddress[]>(addresses);

    private static int Port(Listener listener) => ((IPEndPoint)listener.EndPoint).Port;

    private static async Task<Listener> ListenAsync(IPAddress address, int port = 0)
    {
        var listener = TestEngine.Listen(new IPEndPoint(address, port));
        await listener.BindAsync(new(), default);
        return listener;
    }

    private static async Task<IPEndPoint> FreeAddressAsync()
    {
        await using var listener = await ListenAsync(IPAddress.Loopback);
        return (IPEndPoint)listener.EndPoint;
    }
}
