using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>What a connection tells of its traffic.</summary>
public class ConnectionStatisticsTests
{
    private static readonly TimeSpan Precision = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task Bytes_and_messages_are_counted_both_ways()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        bed.Session.Connection.Statistics.Should().Be(new ConnectionStatistics { OpenedAt = bed.Time.GetUtcNow() });

        await peer.SendAsync("one\ntwo\n");
        await peer.ReceiveAsync();
        bed.Network.Settle();
        await peer.SendAsync("th");
        bed.Network.Settle();

        var statistics = bed.Session.Connection.Statistics;
        statistics.BytesReceived.Should().Be(10);
        statistics.MessagesReceived.Should().Be(2);
        statistics.BytesSent.Should().Be(8);
        statistics.MessagesSent.Should().Be(2);
        statistics.BytesDiscarded.Should().Be(0);
        statistics.QueuedBytes.Should().Be(0);
        statistics.LastRoundTrip.Should().BeNull();
    }

    [Fact]
    public async Task Times_are_those_since_the_last_byte_and_go_on_after_the_end()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        var opened = bed.Time.GetUtcNow();
        var connection = bed.Session.Connection;
        bed.Advance(3);
        await peer.SendAsync("x\n");
        bed.Network.Settle();
        bed.Advance(5);
        await connection.SendAsync("y");
        bed.Advance(7);

        var statistics = connection.Statistics;
        statistics.OpenedAt.Should().Be(opened);
        statistics.SinceReceived.Should().BeCloseTo(TimeSpan.FromSeconds(12), Precision);
        statistics.SinceSent.Should().BeCloseTo(TimeSpan.FromSeconds(7), Precision);

        connection.Abort();
        await bed.Session.ClosedCall;
        bed.Advance(1);
        var after = connection.Statistics;
        after.OpenedAt.Should().Be(opened);
        after.BytesReceived.Should().Be(2);
        after.BytesSent.Should().Be(2);
        after.SinceReceived.Should().BeCloseTo(TimeSpan.FromSeconds(13), Precision);
    }

    [Fact]
    public async Task A_connection_that_never_opened_says_so()
    {
        ConnectionStatistics? seen = null;
        await using var bed = await new TestBed().StartAsync(connection =>
        {
            seen = connection.Statistics;
            return new Session(connection, (_, _) => default);
        });
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();

        seen!.Value.Should().Be(default(ConnectionStatistics));
    }

    [Fact]
    public async Task Discarded_bytes_are_counted_in_all()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default, options => options.Framer = Framers.Enclosed("<", ">"));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("12<a>345<b>");
        bed.Network.Settle();

        var statistics = bed.Session.Connection.Statistics;
        statistics.BytesDiscarded.Should().Be(5);
        statistics.MessagesReceived.Should().Be(2);
        statistics.BytesReceived.Should().Be(11);
    }

    [Fact]
    public async Task What_the_peer_does_not_take_is_queued()
    {
        await using var bed = await new TestBed(capacity: 100).StartAsync((_, _) => default);
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        var connection = bed.Session.Connection;

        await connection.SendAsync(new string('x', 999));
        bed.Network.Settle();

        var statistics = connection.Statistics;
        statistics.QueuedBytes.Should().Be(1000 - statistics.BytesSent);
        statistics.QueuedBytes.Should().BePositive();
        statistics.MessagesSent.Should().Be(0);
    }

    [Fact]
    public async Task A_heartbeat_measures_the_round_trip_and_counts_as_a_message()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default, options =>
            options.Heartbeat = new PingPongHeartbeat("ping", "pong", TimeSpan.FromSeconds(10)));
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(10.5);
        (await peer.ReceiveAsync()).Should().Be("ping\n");
        bed.Advance(0.3);
        await peer.SendAsync("pong\n");
        bed.Network.Settle();

        var statistics = bed.Session.Connection.Statistics;
        statistics.LastRoundTrip.Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(0.3));
        statistics.MessagesReceived.Should().Be(1);
        statistics.MessagesSent.Should().Be(1);
    }

    [Fact]
    public async Task Broadcasts_and_messages_of_the_transport_count()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();

        (await bed.Server.BroadcastAsync(Encoding.UTF8.GetBytes("news"))).Should().Be(1);
        bed.Network.Settle();

        bed.Session.Connection.Statistics.MessagesSent.Should().Be(1);
    }
}
