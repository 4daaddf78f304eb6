using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>A peer that takes nothing for 10 s, or under 240 bytes a second after that, is dropped.</summary>
public class SlowConsumerTests
{
    [Fact]
    public async Task A_peer_that_takes_no_byte_for_10_s_is_dropped()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[5000]).AsTask();

        bed.Advance(9.8);
        connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(0.4);

        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.SlowConsumer);
        reason.By.Should().Be(CloseParty.Peer);
        reason.Detail.Should().Contain("ConnectionOptions.SlowConsumerTimeout");
        reason.UnsentBytes.Should().Be(5001 - 1024);
    }

    [Fact]
    public async Task The_time_is_an_option()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync(configure: options => options.SlowConsumerTimeout = TimeSpan.FromSeconds(2));
        await using var peer = await bed.ConnectRawAsync();
        _ = bed.Session.Connection.SendAsync(new byte[5000]).AsTask();

        bed.Advance(2.3);

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.SlowConsumer);
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(28, false)]
    public async Task After_the_grace_it_must_take_240_bytes_a_second(int bytesPerTick, bool dropped)
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[60_000]).AsTask();

        var seconds = 0.0;
        while (seconds < 45 && !connection.Closed.IsCompleted)
        {
            await peer.ReceiveAsync(bytesPerTick);
            bed.Advance(0.1);
            seconds += 0.1;
        }

        connection.Closed.IsCompleted.Should().Be(dropped);
        if (dropped)
        {
            seconds.Should().BeInRange(19, 21, "the first 10 s are free, the next 10 s are measured");
        }
    }

    [Fact]
    public async Task A_peer_that_reads_within_the_time_is_not_dropped_however_often_it_pauses()
    {
        await using var bed = await new TestBed(capacity: 8192).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[60_000]).AsTask();

        for (var i = 0; i < 6; i++)
        {
            bed.Advance(9);
            await peer.ReceiveAsync(8192);
        }

        connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task Idle_time_is_not_counted()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        for (var i = 0; i < 5; i++)
        {
            await connection.SendAsync("tick");
            bed.Advance(8);
        }

        connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    [Trait("Fault", "B01")]
    public async Task A_stalled_recipient_of_broadcasts_costs_at_most_its_limit_and_hurts_nobody()
    {
        await using var bed = await new TestBed(capacity: 16 * 1024).StartAsync(configure: options => options.MaxQueuedBytes = 128 * 1024);
        await using var stalled = await bed.ConnectRawAsync();
        await using var good = await bed.ConnectRawAsync();
        var connection = bed.Sessions.First().Connection;

        for (var i = 0; i < 40; i++)
        {
            var broadcast = bed.Server.BroadcastAsync(new byte[9_999]).AsTask();
            (await good.ReceiveAsync(10_000)).Should().HaveLength(10_000);
            if (!broadcast.IsCompleted)
            {
                await bed.Time.MadeAsync(TimeSpan.FromSeconds(1));
                bed.Advance(1.1);
            }

            await broadcast.Soon();
        }

        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.SlowConsumer);
        reason.UnsentBytes.Should().BeInRange(100_000, 128 * 1024);
        bed.Server.Connections.Should().ContainSingle();
    }
}
