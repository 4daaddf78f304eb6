using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Heartbeats;

/// <summary>The policies at work: a server on an in-memory network and a peer that speaks bytes, in virtual time.</summary>
public class HeartbeatOnAConnectionTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_silent_connection_gets_beats_and_the_application_sees_none()
    {
        await using var bed = await StartAsync(new BeaconHeartbeat("心跳"));
        await using var peer = await bed.ConnectRawAsync();

        for (var count = 0; count < 6; count++)
        {
            bed.Advance(5 * Second);
            await peer.SendAsync("心跳\n");
        }

        await peer.SendAsync("hello\n");
        var expected = string.Concat(Enumerable.Repeat("心跳\n", 2)) + "hello\n";
        Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(await peer.ReceiveAsync(Encoding.UTF8.GetByteCount(expected)))).Should().Be(expected);
        bed.Sessions.Single().Events.Should().Equal("connected", "hello");
    }

    [Fact]
    [Trait("Fault", "N03")]
    public async Task A_peer_that_falls_silent_is_dead_after_the_timeout()
    {
        await using var bed = await StartAsync(BeaconHeartbeat.Expect("beat"));
        await using var peer = await bed.ConnectRawAsync();

        bed.Advance(29 * Second);
        bed.Sessions.Single().Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(1.5 * Second);

        (await bed.Sessions.Single().ClosedCall).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    [Trait("Fault", "N03")]
    public async Task A_peer_that_answers_no_ping_is_dead_after_the_timeout()
    {
        await using var bed = await StartAsync(new PingPongHeartbeat("ping", "pong"));
        await using var peer = await bed.ConnectRawAsync();

        bed.Advance(10.5 * Second);
        (await peer.ReceiveAsync()).Should().Be("ping\n");
        bed.Advance(10 * Second);
        (await peer.ReceiveAsync()).Should().Be("ping\n");
        bed.Advance(9 * Second);
        bed.Sessions.Single().Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(1 * Second);

        (await bed.Sessions.Single().ClosedCall).Kind.Should().Be(CloseKind.HeartbeatTimeout);
    }

    [Fact]
    public async Task Pings_are_answered_and_pongs_keep_a_peer_alive()
    {
        await using var bed = await StartAsync(new PingPongHeartbeat("ping", "pong"));
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("ping\n");
        (await peer.ReceiveAsync()).Should().Be("pong\n");
        for (var count = 0; count < 10; count++)
        {
            bed.Advance(11 * Second);
            (await peer.ReceiveAsync()).Should().Be("ping\n");
            await peer.SendAsync("pong\n");
        }

        bed.Sessions.Single().Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Sessions.Single().Events.Should().Equal("connected");
    }

    [Theory]
    [Trait("Fault", "H05")]
    [InlineData("ping\n")]
    [InlineData("pong\n")]
    public async Task A_flood_of_heartbeats_closes_the_connection(string beat)
    {
        await using var bed = await StartAsync(new PingPongHeartbeat("ping", "pong"));
        await using var peer = await bed.ConnectRawAsync();
        var second = string.Concat(Enumerable.Repeat(beat, 1000));
        var session = bed.Sessions.Single();

        for (var count = 0; count < 9; count++)
        {
            await peer.SendAsync(second);
            if (beat == "ping\n")
            {
                await peer.ReceiveAsync();
            }

            bed.Advance(Second);
        }

        session.Connection.ClosedToken.IsCancellationRequested.Should().BeFalse();
        bed.Advance(5 * Second);

        var reason = await session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.ProtocolError);
        reason.By.Should().Be(CloseParty.Peer);
        reason.Detail.Should().Contain("heartbeats");
    }

    [Fact]
    [Trait("Fault", "H01")]
    public async Task A_leap_of_the_clock_closes_nobody()
    {
        await using var bed = await StartAsync(new BeaconHeartbeat("beat"));
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(2 * Second);

        bed.Time.Advance(TimeSpan.FromHours(1));
        bed.Network.Settle();

        bed.Sessions.Single().Connection.Closed.IsCompleted.Should().BeFalse();
        await peer.SendAsync("still here\n");
        bed.Advance(2 * Second);
        bed.Sessions.Single().Events.Should().Contain("still here");
    }

    [Fact]
    public async Task A_payload_that_the_framer_cannot_carry_closes_the_connection_and_names_the_policy()
    {
        // Of a framer of the user's own nobody knows that beforehand.
        await using var bed = await new TestBed().StartAsync(configure: options => (options.Framer, options.Heartbeat) = (new TestFramer(), new BeaconHeartbeat("two\nlines")));
        await using var peer = await bed.ConnectRawAsync();

        bed.Advance(12 * Second);

        var reason = await bed.Sessions.Single().ClosedCall;
        reason.Kind.Should().Be(CloseKind.HandlerFailed);
        reason.Detail.Should().Contain(nameof(BeaconHeartbeat));
        reason.Exception.Should().BeOfType<FramingException>();
    }

    private static Task<TestBed> StartAsync(IHeartbeatPolicy policy) => new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
}
