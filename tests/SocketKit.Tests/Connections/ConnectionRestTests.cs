using SocketKit.Clock;
using SocketKit.Connections;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>
/// A connection on which nothing is under way rests: the clock passes it over. What begins then is noticed as on any other.
/// </summary>
public class ConnectionRestTests
{
    private const int Awake = 0;
    private const int Capacity = 1024;

    [Fact]
    public async Task Without_a_heartbeat_it_rests_for_good()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();

        bed.Advance(0.2);

        RestOf(bed).Should().Be(long.MaxValue);
    }

    [Fact]
    public async Task With_one_it_rests_until_the_next_is_due()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = new BeaconHeartbeat("beat"));
        await using var peer = await bed.ConnectRawAsync();

        bed.Advance(0.2);

        // Due 10 s after the first tick, which is the liveness clock's beginning or a tick later.
        RestOf(bed).Should().BeInRange(TimeSpan.FromSeconds(10).Ticks, TimeSpan.FromSeconds(10.2).Ticks);
    }

    [Fact]
    public async Task A_message_wakes_it_and_so_does_a_send()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(0.2);

        await peer.SendAsync("hello\n");
        bed.Network.Settle();
        RestOf(bed).Should().Be(Awake);
        bed.Advance(0.1);
        RestOf(bed).Should().Be(long.MaxValue);

        await bed.Session.Connection.SendAsync("hello"u8.ToArray());
        RestOf(bed).Should().Be(Awake);
        bed.Advance(0.1);
        RestOf(bed).Should().Be(long.MaxValue);
    }

    [Fact]
    public async Task A_request_is_watched_to_its_time_out()
    {
        await using var bed = await ListenAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(60);

        var request = bed.Session.Connection.RequestAsync("anybody?"u8.ToArray()).AsTask();
        bed.Advance(29.8);
        RestOf(bed).Should().Be(Awake);
        request.IsCompleted.Should().BeFalse();
        bed.Advance(0.4);

        await request.Invoking(lost => lost.Soon()).Should().ThrowAsync<RequestTimeoutException>();
    }

    [Fact]
    public async Task A_peer_that_takes_nothing_is_noticed()
    {
        await using var bed = await ListenAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(60);

        _ = bed.Session.Connection.SendAsync(new byte[5000]).AsTask();
        bed.Advance(9.8);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(0.4);

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.SlowConsumer);
    }

    [Fact]
    public async Task A_send_that_lasted_before_the_rest_counts_for_nothing_in_the_next()
    {
        await using var bed = await ListenAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[2000]).AsTask();
        bed.Advance(5);
        await peer.ReceiveAsync(2001);
        bed.Advance(60);
        RestOf(bed).Should().Be(long.MaxValue);

        _ = connection.SendAsync(new byte[5000]).AsTask();
        bed.Advance(9.8);
        connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(0.4);

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.SlowConsumer);
    }

    // Its batch ends after the tick, and only the flush tells of it.
    [Fact]
    public async Task What_a_handler_holds_back_for_the_end_of_its_batch_is_no_rest()
    {
        var gate = new TaskCompletionSource();
        TestBed? testing = null;
        await using var bed = await new TestBed(Capacity).StartAsync(async (connection, message) =>
        {
            if (message.Span[0] == '1')
            {
                await gate.Task;
                return;
            }

            _ = connection.SendAsync(new byte[5000]).AsTask();
            testing!.Time.Advance(ConnectionClock.Interval);
        });
        testing = bed;
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("1\n2\n");
        bed.Advance(1);
        bed.Open(gate);

        bed.Advance(10.4);

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.SlowConsumer);
    }

    [Fact]
    public async Task What_the_peer_sends_puts_its_death_off()
    {
        await using var bed = await ListenAsync(BeaconHeartbeat.Expect("beat"));
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(29.5);
        await peer.SendAsync("hello\n");
        bed.Advance(29.5);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();

        bed.Advance(1);

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    public async Task Time_in_which_the_handler_keeps_us_from_reading_does_not_count()
    {
        var gate = new TaskCompletionSource();
        await using var bed = await new TestBed().StartAsync(async (_, _) => await gate.Task, options => options.Heartbeat = BeaconHeartbeat.Expect("beat"));
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(20);
        await peer.SendAsync(string.Concat(Enumerable.Repeat("hello\n", 300)));

        bed.Advance(120);
        RestOf(bed).Should().Be(Awake);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Open(gate);
        bed.Advance(31);

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    public async Task A_close_that_the_peer_does_not_answer_ends_in_its_time()
    {
        await using var bed = await ListenAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(60);
        var connection = bed.Session.Connection;

        await connection.CloseAsync();
        connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(bed.ClientOptions().CloseTimeout + TimeSpan.FromSeconds(0.2));

        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.LocalClosed);
    }

    [Fact]
    public async Task A_drain_ends_it_at_once()
    {
        await using var bed = await ListenAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(60);

        var stop = bed.Server.StopAsync();
        await peer.EndsAsync();
        await peer.FinishAsync();
        bed.Network.Settle();

        await stop.WaitAsync(TestBed.Patience);
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.ServerStopping);
    }

    // The tick has looked at what is sent, and not yet decided that nothing goes on.
    [Fact, Trait("Fault", "X37")]
    public async Task A_send_that_begins_in_the_middle_of_a_tick_is_watched()
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();
        var connection = bed.Session.Connection;
        _ = connection.InputEndedToken;
        var sends = 0;
        wire.OnSendProgress = () =>
        {
            if (sends++ == 0)
            {
                _ = connection.SendAsync("hello"u8.ToArray()).AsTask();
            }
        };

        bed.Advance(0.1);
        wire.Sends.Should().ContainSingle();
        RestOf(bed).Should().Be(Awake);

        bed.Advance(10.4);
        wire.Aborted.Should().BeTrue("the peer took nothing of it");
        wire.Sends.Single().SetResult(true);
        wire.Receives.Single().SetException(new IOException("aborted"));
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.SlowConsumer);
    }

    // Half a record of TLS, say: it is fetched, and no receive ends with it.
    [Fact, Trait("Fault", "X37")]
    public async Task A_stop_wakes_it_to_see_that_what_had_arrived_is_gone()
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();
        bed.Advance(1);
        RestOf(bed).Should().Be(long.MaxValue);
        wire.Unread = 3;

        var stop = bed.Server.StopAsync();
        await Eventually.TrueAsync(() => RestOf(bed) == Awake);
        wire.Unread = 0;
        wire.Finishes.Should().Be(0);
        bed.Advance(0.3);

        wire.Finishes.Should().Be(1);
        wire.GiveEnd();
        await stop.WaitAsync(TestBed.Patience);
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.ServerStopping);
    }

    private static Task<TestBed> ListenAsync(IHeartbeatPolicy? heartbeat = null) => new TestBed(Capacity).StartAsync(configure: options => options.Heartbeat = heartbeat ?? NoHeartbeat.Instance);

    [Fact]
    public async Task A_connection_whose_requests_wait_for_ever_rests()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var forEver = connection.RequestAsync("1", new() { Timeout = Timeout.InfiniteTimeSpan }).AsTask();
        await peer.ReceiveAsync(2);
        bed.Advance(1);
        RestOf(bed).Should().Be(long.MaxValue);

        var timed = connection.RequestAsync("2", new() { Timeout = TimeSpan.FromSeconds(5) }).AsTask();
        await peer.ReceiveAsync(2);
        bed.Advance(1);
        RestOf(bed).Should().Be(Awake);

        await peer.SendAsync("one\ntwo\n");
        (await forEver.Soon()).ToString().Should().Be("one");
        (await timed.Soon()).ToString().Should().Be("two");
        bed.Advance(1);
        RestOf(bed).Should().Be(long.MaxValue);
    }

    private static long RestOf(TestBed bed) => ((Connection)bed.Session.Connection).ClockPlace.RestsUntil;
}
