using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>A peer that has finished, or is gone, is noticed whatever the handler does.</summary>
public class PeerEndTests
{
    private const int MoreThanTheMailbox = 301;

    private static readonly TimeSpan HalfCloseTimeout = TimeSpan.FromSeconds(30);

    [Fact, Trait("Fault", "X03")]
    public async Task A_handler_that_waits_for_the_connections_end_is_ended_with_its_peer()
    {
        await using var bed = await new TestBed().StartAsync((connection, _) => Ended(connection.ClosedToken));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("wait\n");
        await peer.FinishAsync();

        bed.Advance(HalfCloseTimeout - TimeSpan.FromSeconds(1));
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(2.0);

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.PeerClosed);
        reason.Detail.Should().Contain(nameof(ConnectionOptions.HalfCloseTimeout));
    }

    [Fact, Trait("Fault", "X03")]
    public Task A_peer_that_resets_is_noticed_behind_a_full_mailbox() =>
        NoticedBehindAFullMailboxAsync((_, peer) => peer.Transport.Abort());

    [Fact, Trait("Fault", "X03")]
    public async Task A_half_closed_connection_goes_on_as_long_as_its_peer_takes_bytes()
    {
        TimeProvider time = null!;
        await using var bed = await new TestBed().StartAsync(async (connection, _) =>
        {
            for (var i = 0; i < 8; i++)
            {
                await connection.SendAsync($"{i}");
                await Task.Delay(TimeSpan.FromSeconds(10), time, connection.ClosedToken);
            }
        }, options => time = options.TimeProvider);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("count\n");
        await peer.FinishAsync();

        for (var i = 0; i < 8; i++)
        {
            (await peer.ReceiveAsync()).Should().Be($"{i}\n");
            bed.Advance(10.0);
        }

        (await peer.ReceiveAsync()).Should().BeEmpty();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerClosed);
    }

    // What arrived before the end is not lost because it takes long.
    [Fact, Trait("Fault", "X03")]
    public async Task A_half_closed_connection_goes_on_as_long_as_its_handler_works_off_what_came()
    {
        var handled = 0;
        TimeProvider time = null!;
        await using var bed = await new TestBed().StartAsync(async (connection, _) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(5), time, connection.ClosedToken);
            handled++;
        }, options => time = options.TimeProvider);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(string.Concat(Enumerable.Repeat("slow\n", 12)));
        await peer.FinishAsync();

        for (var i = 0; i < 13; i++)
        {
            bed.Advance(5.0);
        }

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerClosed);
        handled.Should().Be(12);
    }

    public static TheoryData<IHeartbeatPolicy> Heartbeats => new(new BeaconHeartbeat("beat"), new PingPongHeartbeat("ping", "pong"));

    [Theory, Trait("Fault", "X03")]
    [MemberData(nameof(Heartbeats))]
    public async Task A_heartbeat_does_not_put_the_end_of_a_half_closed_connection_off(IHeartbeatPolicy heartbeat)
    {
        await using var bed = await new TestBed().StartAsync((connection, _) => Ended(connection.ClosedToken), options => options.Heartbeat = heartbeat);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("wait\n");
        await peer.FinishAsync();
        var all = peer.ReceiveToEndAsync();

        bed.Advance(HalfCloseTimeout + TimeSpan.FromSeconds(2));

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerClosed);
        (await all).Should().BeEmpty("nobody is left to answer a beat");
    }

    [Fact, Trait("Fault", "X03")]
    public Task A_reset_of_the_network_is_noticed_behind_a_full_mailbox() =>
        NoticedBehindAFullMailboxAsync((bed, _) => bed.Network.Reset(new InMemoryEndPoint(TestBed.Address)));

    [Fact, Trait("Fault", "X03")]
    public async Task A_half_closed_connection_may_be_let_live_for_ever()
    {
        await using var bed = await new TestBed().StartAsync((connection, _) => Ended(connection.ClosedToken), options => options.HalfCloseTimeout = Timeout.InfiniteTimeSpan);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("wait\n");
        await peer.FinishAsync();

        bed.Advance(TimeSpan.FromMinutes(10));

        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Session.Connection.Abort();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.Aborted);
    }

    [Fact, Trait("Fault", "X36")]
    public async Task The_end_of_the_input_is_told_at_once_though_the_handler_waits()
    {
        await using var bed = await new TestBed().StartAsync((connection, _) => Ended(connection.InputEndedToken));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("wait\n");
        bed.Session.Connection.InputEndedToken.IsCancellationRequested.Should().BeFalse();
        await peer.FinishAsync();

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerClosed);
    }

    [Fact, Trait("Fault", "X36")]
    public async Task The_end_of_the_input_is_told_behind_a_full_mailbox()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (_, _) => await gate.Task);
        await using var peer = await bed.ConnectRawAsync();
        await FillMailboxAsync(peer);

        await peer.FinishAsync();
        bed.Network.Settle();

        bed.Session.Connection.InputEndedToken.IsCancellationRequested.Should().BeTrue();
        bed.Open(gate);
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerClosed);
        bed.Session.Messages.Should().HaveCount(MoreThanTheMailbox);
    }

    [Fact, Trait("Fault", "X36")]
    public async Task The_token_of_the_inputs_end_is_cancelled_with_the_connection_whenever_it_is_asked_for()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("hello\n");
        var early = bed.Session.Connection.InputEndedToken;
        bed.Session.Connection.Abort();

        early.IsCancellationRequested.Should().BeTrue();
        bed.Session.Connection.InputEndedToken.IsCancellationRequested.Should().BeTrue();
        await bed.Session.ClosedCall;
    }

    private static async Task FillMailboxAsync(RawPeer peer)
    {
        for (var i = 0; i < MoreThanTheMailbox; i++)
        {
            await peer.SendAsync("line\n");
        }
    }

    private static async Task NoticedBehindAFullMailboxAsync(Action<TestBed, RawPeer> reset)
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (_, _) => await gate.Task);
        await using var peer = await bed.ConnectRawAsync();
        await FillMailboxAsync(peer);
        bed.Network.Settle();

        reset(bed, peer);
        bed.Advance(1.0);

        bed.Session.Connection.Closed.IsCompleted.Should().BeTrue();
        (await bed.Session.Connection.Closed).Kind.Should().Be(CloseKind.PeerReset);
        bed.Open(gate);
        (await bed.Session.ClosedCall).DiscardedMessages.Should().BePositive();
    }

    private static async ValueTask Ended(CancellationToken token)
    {
        var ended = Gate();
        await using var registration = token.UnsafeRegister(static ended => ((TaskCompletionSource)ended!).TrySetResult(), ended);
        await ended.Task;
    }

    // A wire of somebody else's has its token alone.
    [Fact, Trait("Fault", "X03")]
    public async Task A_transports_own_word_of_its_peers_end_is_taken()
    {
        using var hungUp = new CancellationTokenSource();
        await using var bed = await new TestBed().StartAsync((connection, _) => Ended(connection.ClosedToken));
        bed.Listener.HungUp = hungUp.Token;
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("wait\n");
        await hungUp.CancelAsync();
        bed.Session.Connection.InputEndedToken.IsCancellationRequested.Should().BeTrue();

        bed.Advance(HalfCloseTimeout + TimeSpan.FromSeconds(3));

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerClosed);
    }
}
