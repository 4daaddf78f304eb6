using System.Net;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests;

/// <summary>Taking addresses and giving them back.</summary>
public class ListenTests
{
    [Fact]
    [Trait("Fault", "G02")]
    public async Task An_address_in_use_is_named()
    {
        await using var first = await TestServer.StartAsync();

        var second = () => TestServer.StartAsync(configure: options => At(options, first.EndPoint));

        var exception = (await second.Should().ThrowAsync<ListenException>()).Which;
        exception.EndPoint.Should().Be(first.EndPoint);
        exception.Message.Should().Contain(first.EndPoint.ToString()).And.Contain("in use");
        using var peer = await RawPeer.ConnectAsync(first.EndPoint);
        await peer.EchoAsync("the first lives on");
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_start_that_fails_gives_the_other_addresses_back()
    {
        await using var first = await TestServer.StartAsync();
        EndPoint free;
        await using (var probe = await TestServer.StartAsync())
        {
            free = probe.EndPoint;
        }

        var second = () => TestServer.StartAsync(configure: options =>
        {
            At(options, free);
            options.Listeners.Add(TestWire.ListenAgain(first.EndPoint));
        });

        await second.Should().ThrowAsync<ListenException>();
        await using var third = await TestServer.StartAsync(configure: options => At(options, free));
        third.EndPoint.Should().Be(free);
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_restarted_server_takes_its_address_at_once_although_old_connections_linger()
    {
        var first = await TestServer.StartAsync();
        var address = first.EndPoint;
        using var peer = await RawPeer.ConnectAsync(address);
        await peer.EchoAsync("before");

        // The server closes first, so the kernel keeps its end in TIME_WAIT.
        await (await first.OpenedAsync()).Connection.CloseAsync();
        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
        peer.Finish();
        await first.Server.StopAsync().WaitAsync(TestServer.Patience);

        await using var second = await TestServer.StartAsync(configure: options => At(options, address));
        using var newcomer = await RawPeer.ConnectAsync(address);
        await newcomer.EchoAsync("after");
    }

    [Fact]
    public async Task A_server_serves_all_its_listeners()
    {
        await using var server = await TestServer.StartAsync(configure: options => options.Listeners.Add(TestEngine.Listen("127.0.0.1", 0)));

        server.Server.EndPoints.Should().HaveCount(2).And.OnlyHaveUniqueItems();
        foreach (var endPoint in server.Server.EndPoints)
        {
            using var peer = await RawPeer.ConnectAsync(endPoint);
            await peer.EchoAsync(endPoint.ToString()!);
        }
    }

    [Fact]
    public async Task A_port_is_shared_only_when_all_that_listen_on_it_ask_for_that()
    {
        if (!OperatingSystem.IsLinux())
        {
            FluentActions.Invoking(() => TestEngine.Listen(0, new TcpListenOptions { ReusePort = true })).Should().Throw<PlatformNotSupportedException>();
            return;
        }

        await using var first = await TestServer.StartAsync(configure: options => At(options, new IPEndPoint(IPAddress.Loopback, 0), reusePort: true));
        await using var second = await TestServer.StartAsync(configure: options => At(options, first.EndPoint, reusePort: true));
        second.EndPoint.Should().Be(first.EndPoint);
        var without = () => TestServer.StartAsync(configure: options => At(options, first.EndPoint));
        await without.Should().ThrowAsync<ListenException>();

        // The kernel deals newcomers out by a hash of their addresses, so each gets some of a hundred.
        var peers = new List<RawPeer>();
        for (var i = 0; i < 100; i++)
        {
            peers.Add(await RawPeer.ConnectAsync(first.EndPoint));
            await peers[i].EchoAsync("hello");
        }

        first.Server.Connections.Count.Should().BeInRange(1, 99);
        (first.Server.Connections.Count + second.Server.Connections.Count).Should().Be(100);
        peers.ForEach(peer => peer.Dispose());
    }

    private static void At(SocketServerOptions options, EndPoint endPoint, bool reusePort = false)
    {
        options.Listeners.Clear();
        options.Listeners.Add(reusePort ? TestEngine.Listen((IPEndPoint)endPoint, new TcpListenOptions { ReusePort = true }) : TestWire.ListenAgain(endPoint));
    }
}
