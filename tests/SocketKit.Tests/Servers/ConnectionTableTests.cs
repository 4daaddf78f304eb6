using System.Collections;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Servers;

/// <summary>Finding connections by id and name.</summary>
public class ConnectionTableTests
{
    [Fact]
    public async Task Live_connections_are_found_by_id_and_gone_ones_are_not()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var table = bed.Server.Connections;

        table.TryGet(connection.Id, out var found).Should().BeTrue();
        found.Should().BeSameAs(connection);
        table.TryGet(-1, out _).Should().BeFalse();
        table.Should().Equal(connection);
        ((IEnumerable)table).Cast<IConnection>().Should().Equal(connection);
        table.Count.Should().Be(1);

        await peer.FinishAsync();
        await bed.Session.ClosedCall;
        table.TryGet(connection.Id, out _).Should().BeFalse();
        table.Count.Should().Be(0);
    }

    [Fact]
    public async Task The_last_to_take_a_name_wins_and_is_not_unregistered_by_the_death_of_the_former_holder()
    {
        await using var bed = await new TestBed().StartAsync((connection, message) =>
        {
            connection.SetNameAsync(message.Text()).Now();
            return default;
        });
        await using var old = await bed.ConnectRawAsync();
        await old.SendAsync("device\n");
        var halfOpen = bed.Sessions.First().Connection;
        bed.Network.BlackHole(halfOpen.RemoteEndPoint!);
        await using var redialled = await bed.ConnectRawAsync();
        var newcomer = bed.Sessions.Last().Connection;
        newcomer.SetNameAsync("device").Now().Should().BeSameAs(halfOpen);
        bed.Server.Connections.TryGet("device", out var found).Should().BeTrue();
        found.Should().BeSameAs(newcomer);
        halfOpen.Name.Should().Be("device");

        halfOpen.Abort();
        await halfOpen.Closed.Soon();
        bed.Network.Settle();

        bed.Server.Connections.TryGet("device", out found).Should().BeTrue();
        found.Should().BeSameAs(newcomer);
        newcomer.Abort();
        await newcomer.Closed.Soon();
        bed.Server.Connections.TryGet("device", out _).Should().BeFalse();
    }

    [Fact, Trait("Fault", "X55")]
    public async Task A_name_that_is_taken_in_good_manners_stays_with_the_first()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var first = await bed.ConnectRawAsync();
        await using var second = await bed.ConnectRawAsync();
        var (holder, other) = (bed.Sessions.First().Connection, bed.Sessions.Last().Connection);

        holder.TrySetNameAsync("device").Now().Should().BeTrue();
        holder.TrySetNameAsync("device").Now().Should().BeTrue("it has it already");
        other.TrySetNameAsync("another").Now().Should().BeTrue();
        other.TrySetNameAsync("device").Now().Should().BeFalse();

        other.Name.Should().Be("another");
        bed.Server.Connections.TryGet("another", out var found).Should().BeTrue();
        found.Should().BeSameAs(other);
        holder.Abort();
        await holder.Closed.Soon();
        bed.Network.Settle();
        other.TrySetNameAsync("device").Now().Should().BeTrue("its holder is gone");
        FluentActions.Invoking(() => holder.TrySetNameAsync("device").Now()).Should().Throw<ConnectionClosedException>();
        FluentActions.Invoking(() => other.TrySetNameAsync("").Now()).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => other.TrySetNameAsync(new string('x', 257)).Now()).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task Names_are_case_sensitive_may_change_and_are_kept_by_their_holder()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var table = bed.Server.Connections;
        connection.Name.Should().BeNull();
        connection.SetNameAsync("Anna").Now().Should().BeNull();
        connection.SetNameAsync("Anna").Now().Should().BeNull();
        table.TryGet("anna", out _).Should().BeFalse();
        connection.SetNameAsync("Berta").Now().Should().BeNull();
        table.TryGet("Anna", out _).Should().BeFalse();
        table.TryGet("Berta", out _).Should().BeTrue();
        connection.Name.Should().Be("Berta");
        table.Invoking(with => with.TryGet(null!, out _)).Should().Throw<ArgumentNullException>();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(257)]
    public async Task A_name_has_1_to_256_characters(int length)
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();

        bed.Session.Connection.Invoking(connection => connection.SetNameAsync(new string('x', length)).Now())
            .Should().Throw<ArgumentException>();
        bed.Session.Connection.SetNameAsync(new string('x', 256)).Now().Should().BeNull();
    }

    [Fact]
    public async Task A_dead_connection_takes_no_name()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        connection.Abort();

        connection.Invoking(dead => dead.SetNameAsync("late").Now())
            .Should().Throw<ConnectionClosedException>().Which.Reason.Kind.Should().Be(CloseKind.Aborted);
        bed.Server.Connections.TryGet("late", out _).Should().BeFalse();
    }

    [Fact]
    public async Task A_name_given_before_the_connection_is_open_is_given_back_when_it_never_opens()
    {
        await using var bed = await new TestBed().StartAsync(connection =>
        {
            connection.SetNameAsync("early").Now();
            throw new FormatException("and then it fails");
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.FinishAsync();
        bed.Network.Settle();

        bed.Server.Connections.TryGet("early", out _).Should().BeFalse();
    }

    [Fact]
    public async Task Enumerating_is_safe_while_connections_come_and_go()
    {
        await using var bed = await new TestBed().StartAsync();
        var peers = new List<RawPeer>();
        for (var i = 0; i < 20; i++)
        {
            peers.Add(await bed.ConnectRawAsync());
        }

        foreach (var connection in bed.Server.Connections)
        {
            connection.Abort();
            await connection.Closed.Soon();
            peers.Add(await bed.ConnectRawAsync());
            if (peers.Count > 60)
            {
                break;
            }
        }

        bed.Server.Connections.Count.Should().Be(20);
        peers.ForEach(peer => peer.Transport.Abort());
    }
}
