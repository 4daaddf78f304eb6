using System.Net;
using System.Net.Sockets;

namespace SocketKit.Tests.Transports.InMemory;

public class InMemoryFaultsTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly InMemoryEndPoint Server = new("server");

    private readonly InMemoryNetwork _network = new(capacity: 10);
    private Listener _listener = null!;

    public async Task InitializeAsync()
    {
        _listener = _network.Listen("server");
        await _listener.BindAsync(new(), CancellationToken.None);
    }

    public async Task DisposeAsync() => await _listener.StopAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_black_hole_swallows_bytes_ends_and_resets_of_both_ends(bool byDiallingEnd)
    {
        var (client, server) = await PairAsync();
        _network.BlackHole(byDiallingEnd ? client.LocalEndPoint! : Server);
        var clientReceives = client.ReceiveAsync(new byte[10]).AsTask();
        var serverReceives = server.ReceiveAsync(new byte[10]).AsTask();

        client.SendAsync(new byte[10]).AsTask().IsCompletedSuccessfully.Should().BeTrue("the kernel's buffer takes it");
        client.SendAsync(new byte[1]).AsTask().IsCompleted.Should().BeFalse("the buffer is full and nothing drains it");
        await server.CompleteOutputAsync();
        server.Abort();

        clientReceives.IsCompleted.Should().BeFalse();
        (await Record.ExceptionAsync(() => serverReceives.WaitAsync(Patience))).Should().BeAssignableTo<IOException>("an abort ends this side, whatever the wire does");
        client.BytesSent.Should().Be(10);
    }

    [Fact]
    public async Task A_black_hole_hides_what_was_under_way_and_healing_brings_it()
    {
        var (client, server) = await PairAsync();
        await client.SendAsync(new byte[] { 1, 2 });
        _network.BlackHole(client.LocalEndPoint!);
        var receive = server.ReceiveAsync(new byte[20]).AsTask();
        receive.IsCompleted.Should().BeFalse();
        await client.SendAsync(new byte[] { 3 });
        await client.CompleteOutputAsync();

        _network.Heal(client.LocalEndPoint!);

        receive.IsCompletedSuccessfully.Should().BeTrue();
        (await receive).Count.Should().Be(3);
        (await server.ReceiveAsync(new byte[20])).Count.Should().Be(0);
    }

    [Fact]
    public async Task Healing_brings_the_reset_of_an_end_that_is_gone()
    {
        var (client, server) = await PairAsync();
        _network.BlackHole(Server);
        var receive = client.ReceiveAsync(new byte[1]).AsTask();
        server.Abort();
        await server.DisposeAsync();
        receive.IsCompleted.Should().BeFalse();

        _network.Heal(Server);

        (await Record.ExceptionAsync(() => receive.WaitAsync(Patience))).Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
    }

    [Fact]
    public async Task A_link_under_two_black_holes_is_healed_when_both_are()
    {
        var (client, server) = await PairAsync();
        _network.BlackHole(Server);
        _network.BlackHole(client.LocalEndPoint!);
        await client.SendAsync(new byte[1]);
        var receive = server.ReceiveAsync(new byte[1]).AsTask();

        _network.Heal(Server);
        receive.IsCompleted.Should().BeFalse();
        _network.Heal(client.LocalEndPoint!);

        receive.IsCompletedSuccessfully.Should().BeTrue();
        await receive;
    }

    [Fact]
    public async Task A_black_hole_for_one_leaves_the_others_alone()
    {
        var (lost, _) = await PairAsync();
        var (client, server) = await PairAsync();
        _network.BlackHole(lost.LocalEndPoint!);

        await client.SendAsync(new byte[] { 1 });

        (await server.ReceiveAsync(new byte[10])).Count.Should().Be(1);
    }

    [Fact]
    [Trait("Fault", "N06")]
    public async Task A_dial_into_a_black_hole_waits_until_it_is_cancelled()
    {
        _network.BlackHole(Server);
        using var cancellation = new CancellationTokenSource();
        var dial = _network.Dial("server").DialAsync(new(), cancellation.Token).AsTask();
        dial.IsCompleted.Should().BeFalse();

        await cancellation.CancelAsync();

        (await Record.ExceptionAsync(() => dial.WaitAsync(TimeSpan.FromSeconds(10)))).Should().BeAssignableTo<OperationCanceledException>().Which.CancellationToken.Should().Be(cancellation.Token);
        _network.Heal(Server);
        _listener.AcceptAsync().AsTask().IsCompleted.Should().BeFalse("a cancelled dial does not come back");
    }

    [Fact]
    public async Task A_dial_into_a_black_hole_goes_through_when_it_is_healed()
    {
        _network.BlackHole(Server);
        using var cancellation = new CancellationTokenSource();
        var dial = _network.Dial("server").DialAsync(new(), cancellation.Token).AsTask();
        var accept = _listener.AcceptAsync().AsTask();

        _network.Heal(Server);

        dial.IsCompletedSuccessfully.Should().BeTrue();
        (await accept.WaitAsync(Patience)).Should().NotBeNull();
        await cancellation.CancelAsync();
        (await dial).LocalEndPoint.Should().BeOfType<InMemoryEndPoint>();
    }

    [Fact]
    public async Task A_dial_that_is_healed_where_nobody_listens_any_more_is_refused()
    {
        _network.BlackHole(Server);
        var connect = _network.ConnectAsync("server").AsTask();
        await _listener.StopAsync();

        _network.Heal(Server);

        (await Record.ExceptionAsync(() => connect.WaitAsync(Patience))).Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
    }

    [Fact]
    public async Task A_dial_with_a_cancelled_token_is_cancelled()
    {
        var cancelled = new CancellationToken(canceled: true);

        (await Record.ExceptionAsync(async () => await _network.ConnectAsync("server", cancelled))).Should().BeAssignableTo<OperationCanceledException>();
    }

    [Fact]
    public async Task A_reset_reaches_both_ends_and_loses_what_was_under_way()
    {
        var (client, server) = await PairAsync();
        var (other, _) = await PairAsync();
        await client.SendAsync(new byte[5]);
        var receive = client.ReceiveAsync(new byte[1]).AsTask();
        var waits = other.ReceiveAsync(new byte[1]).AsTask();

        _network.Reset(client.LocalEndPoint!);

        foreach (var failure in new[]
        {
            await Record.ExceptionAsync(() => receive.WaitAsync(Patience)),
            await Record.ExceptionAsync(async () => await server.ReceiveAsync(new byte[10])),
            await Record.ExceptionAsync(async () => await server.SendAsync(new byte[10])),
        })
        {
            failure.Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
        }

        waits.IsCompleted.Should().BeFalse("only the named link is reset");
        _network.Reset(Server);
        (await Record.ExceptionAsync(() => waits.WaitAsync(Patience))).Should().BeOfType<SocketException>();
    }

    [Fact]
    public void Faults_without_an_address_name_the_parameter()
    {
        foreach (var fault in new Action<EndPoint>[] { _network.BlackHole, _network.Heal, _network.Reset })
        {
            fault.Invoking(act => act(null!)).Should().Throw<ArgumentNullException>().WithParameterName("endPoint");
        }
    }

    private async Task<(Transport Client, Transport Server)> PairAsync()
    {
        var client = await _network.ConnectAsync("server");
        return (client, (await _listener.AcceptAsync())!);
    }
}
