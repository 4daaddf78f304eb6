using System.Buffers;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>How the clock drives a heartbeat policy, and what counts as life.</summary>
public class HeartbeatTests
{
    [Theory]
    [Trait("Fault", "N03")]
    [InlineData(2, 2)]
    [InlineData(10, 20)]
    public async Task A_half_open_peer_is_found_in_interval_plus_time_out_within_10_percent(int interval, int patience)
    {
        await using var bed = await new TestBed().StartAsync(configure: options =>
            options.Heartbeat = new PingPongHeartbeat("ping", "pong", TimeSpan.FromSeconds(interval), TimeSpan.FromSeconds(interval + patience)));
        await using var client = await bed.ConnectAsync(options => options.Heartbeat = PingPongHeartbeat.AnswerOnly("ping", "pong", Timeout.InfiniteTimeSpan));
        var connection = bed.Session.Connection;
        bed.Advance((interval + patience) * 5);
        connection.Closed.IsCompleted.Should().BeFalse("the client answers");

        await client.SendAsync("last words");
        bed.Network.BlackHole(connection.RemoteEndPoint!);
        var seconds = 0.0;
        while (!connection.Closed.IsCompleted && seconds < 100)
        {
            bed.Advance(0.1);
            seconds += 0.1;
        }

        seconds.Should().BeInRange((interval + patience) * 0.9, (interval + patience) * 1.1);
        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.HeartbeatTimeout);
        reason.By.Should().Be(CloseParty.Peer);
        reason.Detail.Should().StartWith("nothing received for ");
        client.Connection!.Abort();
    }

    [Fact]
    public async Task Our_own_sends_never_feed_liveness()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = BeaconHeartbeat.Expect("beat", TimeSpan.FromSeconds(5)));
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 55; i++)
        {
            bed.Session.Connection.TrySend("news");
            bed.Advance(0.1);
        }

        (await bed.Session.Connection.Closed.Soon()).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    public async Task Any_byte_counts_as_life_also_half_a_frame()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = BeaconHeartbeat.Expect("beat", TimeSpan.FromSeconds(5)));
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 10; i++)
        {
            await peer.SendAsync("x");
            bed.Advance(4);
        }

        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task Time_in_which_we_could_not_read_does_not_count()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(
            (_, _) => new ValueTask(gate.Task), options => options.Heartbeat = BeaconHeartbeat.Expect("beat", TimeSpan.FromSeconds(5)));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(Lines(0, 300));

        bed.Advance(60);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse("the mailbox was full, so nobody listened");
        bed.Open(gate);
        bed.Advance(4);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(1.5);
        (await bed.Session.Connection.Closed.Soon()).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    public async Task A_peer_whose_bytes_wait_in_the_kernel_is_not_dead()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = BeaconHeartbeat.Expect("beat", TimeSpan.FromSeconds(5)));
        await using var peer = await bed.ConnectRawAsync();
        bed.Listener.Wire.Unread = true;
        bed.Advance(60);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();

        bed.Listener.Wire.Unread = false;
        bed.Advance(6);
        (await bed.Session.Connection.Closed.Soon()).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    public async Task A_peer_that_speaks_at_the_last_moment_lives_and_is_still_watched()
    {
        var policy = new Recording { Timeout = TimeSpan.FromSeconds(5) };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        while (!policy.Decisions.Any(decision => decision.Action == HeartbeatAction.Close))
        {
            bed.Advance(0.1);
        }

        connection.Closed.IsCompleted.Should().BeFalse("one more look comes first");
        await peer.SendAsync("alive\n");
        bed.Advance(4);
        connection.Closed.IsCompleted.Should().BeFalse();

        bed.Advance(1.5);
        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    [Trait("Fault", "H01")]
    public async Task A_jump_of_an_hour_kills_nobody_and_makes_one_decision()
    {
        var policy = new Recording { Timeout = TimeSpan.FromSeconds(5) };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        var peers = new List<RawPeer>();
        for (var i = 0; i < 20; i++)
        {
            peers.Add(await bed.ConnectRawAsync());
        }

        bed.Advance(3);
        var before = policy.Decisions.Count;
        bed.Network.Run(() => bed.Time.Advance(TimeSpan.FromHours(1)));

        bed.Server.Connections.Should().HaveCount(20);
        (policy.Decisions.Count - before).Should().BeLessOrEqualTo(20);
        bed.Advance(1.5);
        bed.Server.Connections.Should().HaveCount(20);
        bed.Advance(1.5);
        bed.Server.Connections.Should().BeEmpty("the silence before the jump and after it counts");
        peers.ForEach(peer => peer.Transport.Abort());
    }

    [Fact]
    [Trait("Fault", "H01")]
    public async Task A_change_of_the_systems_clock_changes_nothing()
    {
        var policy = new Recording { Timeout = TimeSpan.FromSeconds(5) };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(3);

        bed.Time.SystemClockChange = TimeSpan.FromDays(400);
        bed.Advance(1.5);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Time.SystemClockChange = TimeSpan.FromDays(-400);
        bed.Advance(0.1);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(1);
        (await bed.Session.Connection.Closed.Soon()).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    public async Task A_beacon_is_skipped_while_bytes_are_queued()
    {
        await using var bed = await new TestBed(capacity: 64).StartAsync(configure: options => options.Heartbeat = BeaconHeartbeat.SendOnly("beat", TimeSpan.FromSeconds(1)));
        await using var peer = await bed.ConnectRawAsync();
        _ = bed.Session.Connection.SendAsync(new string('x', 500)).AsTask();
        bed.Advance(5);
        (await peer.ReceiveAsync(501)).Should().Be(new string('x', 500) + "\n");

        bed.Advance(1.2);

        (await peer.ReceiveAsync()).Should().Be("beat\n");
    }

    [Fact]
    public async Task Beats_go_out_in_silence_only()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = BeaconHeartbeat.SendOnly("beat", TimeSpan.FromSeconds(1)));
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 20; i++)
        {
            bed.Session.Connection.TrySend("busy");
            bed.Advance(0.5);
        }

        bed.Listener.Wire.Sends.Should().HaveCount(20);
        bed.Advance(3.3);
        bed.Listener.Wire.Sends.Should().HaveCountGreaterOrEqualTo(22);
    }

    [Fact]
    public async Task Above_the_mark_only_the_newest_pong_is_kept()
    {
        await using var bed = await new TestBed(capacity: 64).StartAsync(configure: options => options.Heartbeat = new Recording { Answers = true });
        await using var peer = await bed.ConnectRawAsync();
        _ = bed.Session.Connection.SendAsync(new string('x', 70_000)).AsTask();
        for (var i = 0; i < 50; i++)
        {
            await peer.SendAsync($"ping {i}\n");
        }

        (await peer.ReceiveAsync(70_001)).Should().EndWith("x\n");
        await peer.SendAsync("ping last\n");

        (await peer.ReceiveAsync(18)).Should().Be("pong 49\npong last\n");
    }

    [Fact]
    public async Task A_policy_learns_round_trips_arrivals_and_counts()
    {
        var policy = new Recording { Interval = TimeSpan.FromSeconds(1) };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(1.1);
        (await peer.ReceiveAsync()).Should().Be("ping\n");
        policy.Pulses.Last().PingsOutstanding.Should().Be(0, "that is before this one");
        bed.Advance(0.3);
        await peer.SendAsync("pong\n");
        bed.Advance(1.1);

        var pulse = policy.Pulses.Last();
        pulse.LastRoundTrip.Should().Be(TimeSpan.FromSeconds(0.3));
        pulse.BeatsSent.Should().BeGreaterThan(0);
        pulse.BeatsReceived.Should().Be(1);
        pulse.SinceOpened.Should().BeCloseTo(TimeSpan.FromSeconds(2.4), TimeSpan.FromSeconds(0.3));
        pulse.SinceReceived.Should().BeGreaterThan(TimeSpan.Zero);
        for (var i = 0; i < 40; i++)
        {
            await peer.SendAsync("data\n");
            bed.Advance(0.5);
        }

        pulse = policy.Pulses.Last();
        pulse.ArrivalMean.Should().BeCloseTo(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.2));
        pulse.ArrivalDeviation.Should().BeLessThan(TimeSpan.FromSeconds(0.3));
    }

    [Fact]
    public async Task A_policy_learns_how_many_heartbeats_a_second_came_lately()
    {
        var policy = new Recording { Interval = TimeSpan.FromSeconds(1) };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(4);
        policy.Pulses.Should().OnlyContain(pulse => pulse.BeatsPerSecond == 0);

        for (var half = 0; half < 40; half++)
        {
            await peer.SendAsync("ping\npong\nno beat\n");
            bed.Advance(0.5);
        }

        policy.Pulses.Last().BeatsPerSecond.Should().BeApproximately(4, 0.4);
        bed.Advance(15);
        policy.Pulses.Last().BeatsPerSecond.Should().Be(0);
    }

    [Fact]
    [Trait("Fault", "H05")]
    public async Task A_flood_of_heartbeats_is_refused()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = new BeaconHeartbeat("b"));
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 160 && !bed.Session.Connection.Closed.IsCompleted; i++)
        {
            await peer.SendAsync(string.Concat(Enumerable.Repeat("b\n", 40)));
            bed.Advance(0.1);
        }

        var reason = await bed.Session.Connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.ProtocolError);
        reason.By.Should().Be(CloseParty.Peer);
    }

    [Theory]
    [InlineData(-TimeSpan.TicksPerMillisecond, 1)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(0, 20)]
    [InlineData(-1, 20)]
    [InlineData(-2 * TimeSpan.TicksPerMillisecond, 20)]
    [InlineData(long.MinValue, 20)]
    [InlineData(TimeSpan.TicksPerSecond, 2)]
    public async Task Only_the_infinite_time_means_never_and_the_past_means_the_next_tick(long due, int calls)
    {
        var policy = new Fixed(TimeSpan.FromTicks(due));
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        await using var peer = await bed.ConnectRawAsync();

        bed.Advance(2);

        policy.Calls.Should().BeInRange(calls - 1, calls + 1).And.BePositive();
    }

    /// <summary>Wants to be asked again in the same time, always.</summary>
    private sealed class Fixed(TimeSpan due) : IHeartbeatPolicy
    {
        public int Calls { get; private set; }

        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state)
        {
            Calls++;
            return HeartbeatDecision.Wait(due);
        }

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) => HeartbeatKind.None;

        public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
        {
        }
    }

    /// <summary>Pings, expects life, and keeps what it was told.</summary>
    private sealed class Recording : IHeartbeatPolicy
    {
        public TimeSpan? Timeout { get; init; }

        public TimeSpan? Interval { get; init; }

        public bool Answers { get; init; }

        public List<ConnectionPulse> Pulses { get; } = [];

        public List<HeartbeatDecision> Decisions { get; } = [];

        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state)
        {
            Pulses.Add(pulse);
            var decision = pulse.SinceReceived >= Timeout ? HeartbeatDecision.Close
                : Interval is { } interval && pulse.SinceSent >= interval ? HeartbeatDecision.Send(interval)
                : HeartbeatDecision.Wait(Interval is { } wait ? wait - pulse.SinceSent : Timeout is { } timeout ? timeout - pulse.SinceReceived : TimeSpan.FromSeconds(1));
            Decisions.Add(decision);
            return decision;
        }

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) =>
            message.StartsWith("ping"u8) ? HeartbeatKind.Ping : message.StartsWith("pong"u8) ? HeartbeatKind.Pong : HeartbeatKind.None;

        public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
        {
            if (kind == HeartbeatKind.Ping)
            {
                output.Write("ping"u8);
            }
            else if (Answers)
            {
                output.Write("pong"u8);
                output.Write(ping[4..]);
            }
        }
    }
}
