using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>What a connection tells of its owner, why it was aborted, and what programs keep on it.</summary>
public class ConnectionFactsTests
{
    [Fact]
    public async Task A_servers_connection_knows_its_server_and_listener_and_a_clients_its_client()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        var connection = bed.Session.Connection;

        connection.IsServer.Should().BeTrue();
        connection.Server.Should().BeSameAs(bed.Server);
        connection.Listener.Should().BeSameAs(bed.Listener);
        client.Connection!.IsServer.Should().BeFalse();
        client.Connection.Client.Should().BeSameAs(client);
    }

    [Fact]
    public async Task What_belongs_to_the_other_role_throws_and_says_what_to_use()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();

        Refused(bed.Session.Connection, connection => connection.Client)
            .Should().Be("A server accepted this connection, so it has no Client; use Server, and IsServer to tell the roles apart");
        Refused(client.Connection!, connection => connection.Server)
            .Should().Be("A client dialed this connection, so it has no Server; use Client, and IsServer to tell the roles apart");
        Refused(client.Connection!, connection => connection.Listener)
            .Should().Be("A client dialed this connection, so it has no Listener; use Client, and IsServer to tell the roles apart");
    }

    [Fact]
    public async Task A_clients_connection_may_be_among_the_recipients_of_a_broadcast()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();

        (await bed.Server.BroadcastAsync("to both", [client.Connection!, bed.Session.Connection])).Should().Be(2);
    }

    [Fact]
    public async Task A_connection_tells_by_which_of_several_listeners_it_came()
    {
        var network = new InMemoryNetwork();
        var came = new List<Listener>();
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { network.Listen("front"), network.Listen("back") },
            Framer = Framers.Lines(),
            HandlerFactory = connection =>
            {
                came.Add(connection.Listener);
                return new Session(connection, (_, _) => default);
            },
        });
        await server.StartAsync();

        await using var back = await network.ConnectAsync("back");
        network.Settle();
        await using var front = await network.ConnectAsync("front");
        network.Settle();

        came.Select(listener => listener.EndPoint).Should().Equal(new InMemoryEndPoint("back"), new InMemoryEndPoint("front"));
    }

    [Fact]
    public async Task The_detail_of_an_abort_stands_in_the_reason_and_escaped_in_the_log()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();

        bed.Session.Connection.Abort("too\nmany");
        bed.Session.Connection.Abort("another");

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.Aborted);
        reason.Detail.Should().Be("too\nmany");
        reason.ToString().Should().Be("Aborted by Local while Open: too\\u000amany");
        bed.Logs.GetSnapshot().Should().Contain(line => line.Message.Contains("too\\u000amany"));
    }

    [Fact]
    public async Task An_abort_without_a_detail_has_none()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();

        bed.Session.Connection.Abort();

        (await bed.Session.ClosedCall).Detail.Should().BeNull();
    }

    [Fact]
    public async Task Items_are_one_bag_for_all_who_share_the_connection_and_outlive_its_end()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        var connection = bed.Session.Connection;

        connection.Items["user"] = "Anna";
        connection.Items[typeof(string)] = null;
        connection.Abort();
        await bed.Session.ClosedCall;

        connection.Items.Should().BeSameAs(connection.Items);
        connection.Items.Should().HaveCount(2);
        connection.Items["user"].Should().Be("Anna");
        connection.Items.Invoking(items => items.Add("user", "Berta")).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task Items_may_be_added_by_many_threads_at_once()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        var connection = bed.Session.Connection;

        Parallel.For(0, 1000, number => connection.Items.Add(number, number));

        connection.Items.Should().HaveCount(1000);
    }

    [Fact]
    public void An_implementation_without_a_bag_has_one_all_the_same()
    {
        IConnection one = new RecordingConnection();
        IConnection another = new RecordingConnection();

        one.Items["user"] = 1;

        one.Items["user"].Should().Be(1);
        another.Items.Should().BeEmpty();
        one.Statistics.Should().Be(default(ConnectionStatistics));
        one.StoppingToken.Should().Be(one.ClosedToken);
        Refused(one, connection => connection.Listener).Should().Be("This connection has no Listener");
        Refused(one, connection => connection.Client).Should().Be("This connection has no Client");
    }

    [Fact]
    public async Task A_token_that_is_canceled_before_leaves_the_name_alone()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        var connection = bed.Session.Connection;

        var set = async () => await connection.SetNameAsync("x", new CancellationToken(canceled: true));
        var trySet = async () => await connection.TrySetNameAsync("x", new CancellationToken(canceled: true));

        await set.Should().ThrowAsync<OperationCanceledException>();
        await trySet.Should().ThrowAsync<OperationCanceledException>();
        connection.Name.Should().BeNull();
    }

    private static string Refused(IConnection connection, Func<IConnection, object> ask) =>
        ask.Invoking(them => them(connection)).Should().Throw<InvalidOperationException>().Which.Message;
}
