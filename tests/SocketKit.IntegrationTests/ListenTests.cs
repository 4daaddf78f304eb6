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
        IPEndPoint free;
        await using (var probe = await TestServer.StartAsync())
        {
            free = probe.EndPoint;
        }

        var second = () => TestServer.StartAsync(configure: options =>
        {
            At(options, free);
            options.Listeners.Add(Listen.Tcp(first.EndPoint));
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
        await using var server = await TestServer.StartAsync(configure: options => options.Listeners.Add(Listen.Tcp("127.0.0.1", 0)));

        server.Server.EndPoints.Should().HaveCount(2).And.OnlyHaveUniqueItems();
        foreach (var endPoint in server.Server.EndPoints)
        {
            using var peer = await RawPeer.ConnectAsync(endPoint);
            await peer.EchoAsync(endPoint.ToString()!);
        }
    }

    private static void At(SocketServerOptions options, IPEndPoint endPoint)
    {
        options.Listeners.Clear();
        options.Listeners.Add(Listen.Tcp(endPoint));
    }
}
