using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests;

/// <summary>The three stages of a stop.</summary>
[Trait("Fault", "G01")]
public class ServerStopTests
{
    [Fact]
    public async Task What_is_in_flight_finishes_and_later_bytes_are_read_and_discarded()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await gate.Task;
            await connection.SendAsync(message);
        });
        await using var busy = await bed.ConnectRawAsync();
        await using var idle = await bed.ConnectRawAsync();
        await busy.SendAsync("1\n2\n3\n");
        bed.Server.State.Should().Be(ServerState.Listening);
        var stopping = bed.Server.StopAsync();
        bed.Server.State.Should().Be(ServerState.Draining);
        (await idle.ReceiveToEndAsync()).Should().BeEmpty("an idle connection closes at once");
        await Gone(bed);
        await busy.SendAsync("4\n5\n");
        await idle.FinishAsync();
        stopping.IsCompleted.Should().BeFalse();

        bed.Open(gate);

        (await busy.ReceiveToEndAsync()).Should().Be("1\n2\n3\n");
        await busy.FinishAsync();
        await stopping.Soon();
        bed.Server.State.Should().Be(ServerState.Stopped);
        var reason = await bed.Sessions.First().ClosedCall;
        reason.Kind.Should().Be(CloseKind.ServerStopping);
        reason.Phase.Should().Be(ClosePhase.Draining);
        reason.By.Should().Be(CloseParty.Local);
        reason.DiscardedMessages.Should().Be(2);
        bed.Sessions.First().Messages.Should().Equal("1", "2", "3");
    }

    [Fact]
    public async Task What_waits_for_room_in_the_mailbox_was_framed_before_and_finishes_too()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync((_, _) => new ValueTask(gate.Task));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(Lines(0, 258));
        var stopping = bed.Server.StopAsync();
        await Gone(bed);
        bed.Open(gate);
        bed.Advance(0.2);
        await peer.FinishAsync();
        await stopping.Soon();

        bed.Session.Messages.Should().HaveCount(258);
    }

    [Fact]
    public async Task Nobody_new_is_accepted()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync((_, _) => new ValueTask(gate.Task));
        await using var busy = await bed.ConnectRawAsync();
        await busy.SendAsync("x\n");
        var stopping = bed.Server.StopAsync();
        await Gone(bed);

        var connect = () => bed.Network.ConnectAsync(TestBed.Address).AsTask();
        await connect.Should().ThrowAsync<System.Net.Sockets.SocketException>();
        bed.Open(gate);
        await busy.FinishAsync();
        await stopping.Soon();
    }

    [Fact]
    public async Task After_the_drain_time_the_rest_is_aborted_and_named()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync((_, _) => new ValueTask(gate.Task), options => options.DrainTimeout = TimeSpan.FromSeconds(3));
        await using var stuck = await bed.ConnectRawAsync();
        await stuck.SendAsync("x\ny\n");
        bed.Session.Connection.SetNameAsync("stuck device").Now();
        var stopping = bed.Server.StopAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(3));
        bed.Advance(2.9);
        stopping.IsCompleted.Should().BeFalse();
        bed.Advance(0.2);

        await stopping.Soon();

        var reason = await bed.Session.Connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.ServerStopping);
        reason.Detail.Should().Contain("drain time");
        bed.Logs.GetSnapshot().Should().ContainSingle(line => line.Level == LogLevel.Warning).Which.Message.Should().Contain("Aborted 1 connections").And.Contain("stuck device");
        bed.Open(gate);
        (await bed.Session.ClosedCall).DiscardedMessages.Should().Be(1);
    }

    [Fact]
    public async Task Replies_that_are_queued_when_the_handler_is_done_go_out_however_slowly_the_peer_reads()
    {
        await using var bed = await new TestBed(capacity: 256).StartAsync((connection, message) =>
        {
            _ = connection.SendAsync(new byte[10_000]).AsTask();
            return default;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        var stopping = bed.Server.StopAsync();
        await Gone(bed);
        bed.Network.Settle();

        // Longer than a close waits for its peer.
        bed.Advance(5);
        bed.Session.Connection.ClosedToken.IsCancellationRequested.Should().BeFalse();
        (await peer.ReceiveToEndAsync()).Should().HaveLength(10_001);
        await peer.FinishAsync();
        await stopping.Soon();

        var reason = await bed.Session.ClosedCall;
        reason.Should().Match<CloseReason>(it => it.Kind == CloseKind.ServerStopping && it.UnsentBytes == 0 && it.Detail == null);
    }

    [Fact]
    public async Task Who_goes_on_sending_does_not_put_it_off()
    {
        await using var bed = await new TestBed(capacity: 256).StartAsync((connection, message) =>
        {
            _ = connection.SendAsync(new byte[1_000]).AsTask();
            return default;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        var stopping = bed.Server.StopAsync();
        await Gone(bed);
        bed.Network.Settle();
        bed.Session.Connection.TrySend(new byte[1_000]).Should().BeTrue("the first reply is still on its way");

        var received = 0;
        for (var i = 0; i < 100 && !bed.Session.Connection.ClosedToken.IsCancellationRequested; i++)
        {
            received += (await peer.ReceiveAsync()).Length;
            bed.Network.Settle();
            bed.Session.Connection.TrySend(new byte[1_000]);
        }

        bed.Session.Connection.ClosedToken.IsCancellationRequested.Should().BeTrue();
        (await peer.ReceiveToEndAsync()).Should().NotBeEmpty("what was accepted meanwhile goes out as well");
        await peer.FinishAsync();
        await stopping.Soon();
        (await bed.Session.ClosedCall).UnsentBytes.Should().Be(0);
    }

    [Fact]
    [Trait("Fault", "N08")]
    public async Task Five_hundred_peers_that_read_nothing_do_not_hold_it_beyond_the_drain_time()
    {
        await using var bed = await new TestBed(capacity: 256).StartAsync((connection, _) => connection.SendAsync(new byte[10_000]), options => options.DrainTimeout = TimeSpan.FromSeconds(2));
        var peers = new List<RawPeer>();
        for (var i = 0; i < 500; i++)
        {
            var peer = await bed.ConnectRawAsync();
            peers.Add(peer);
            await peer.SendAsync("x\n");
        }

        foreach (var peer in peers.Take(50))
        {
            bed.Network.BlackHole(peer.Transport.LocalEndPoint!);
        }

        var stopping = bed.Server.StopAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(2));
        bed.Network.Settle();
        bed.Advance(2.2);

        await stopping.Soon();
        bed.Sessions.Should().OnlyContain(session => session.Connection.Closed.IsCompleted);
        peers.ForEach(peer => peer.Transport.Abort());
    }

    [Fact]
    public async Task A_drain_time_of_zero_and_a_cancelled_token_abort_at_once()
    {
        foreach (var drain in new[] { TimeSpan.Zero, TimeSpan.FromSeconds(10) })
        {
            var gate = Gate();
            await using var bed = await new TestBed().StartAsync((_, _) => new ValueTask(gate.Task), options => options.DrainTimeout = drain);
            await using var peer = await bed.ConnectRawAsync();
            await peer.SendAsync("x\n");

            await bed.Server.StopAsync(new CancellationToken(canceled: drain > TimeSpan.Zero)).Soon();

            (await bed.Session.Connection.Closed.Soon()).Kind.Should().Be(CloseKind.ServerStopping);
            bed.Open(gate);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stop_awaited_in_a_handler_does_not_wait_for_that_handler(bool afterAnAwait)
    {
        var gate = Gate();
        var stopped = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            if (afterAnAwait)
            {
                await gate.Task;
            }

            await connection.Server.StopAsync();
            await connection.SendAsync("stopped");
            stopped.SetResult();
        });
        await using var peer = await bed.ConnectRawAsync();
        await using var other = await bed.ConnectRawAsync();
        await peer.SendAsync("shut down\n");
        bed.Open(gate);
        (await other.ReceiveToEndAsync()).Should().BeEmpty();
        await other.FinishAsync();

        await stopped.Task.Soon();

        (await peer.ReceiveToEndAsync()).Should().Be("stopped\n");
        await peer.FinishAsync();
        (await bed.Sessions.First().ClosedCall).Kind.Should().Be(CloseKind.ServerStopping);
    }

    [Fact]
    public async Task A_handler_that_joins_a_stop_under_way_is_not_waited_for_either()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, _) =>
        {
            await gate.Task;
            await connection.Server.StopAsync();
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        var stopping = bed.Server.StopAsync();
        await Gone(bed);
        bed.Open(gate);

        await stopping.Soon();

        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_second_stop_joins_the_first()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var first = bed.Server.StopAsync();
        var second = bed.Server.StopAsync();
        second.Should().BeSameAs(first);
        await peer.ReceiveToEndAsync();
        await peer.FinishAsync();
        await first.Soon();
        await bed.Server.StopAsync().Soon();
    }

    [Fact]
    public async Task A_stop_during_the_start_waits_for_it_and_then_stops()
    {
        var network = new InMemoryNetwork();
        var listener = new SlowListener(network.Listen("slow"));
        var server = new SocketServer(new SocketServerOptions { Listeners = { listener }, Framer = Framers.Lines(), HandlerFactory = Handlers.OnText((_, _) => default) });
        var starting = server.StartAsync();
        var stopping = server.StopAsync();
        stopping.IsCompleted.Should().BeFalse();

        listener.Bound.SetResult();

        await starting.Soon();
        await stopping.Soon();
        var connect = () => network.ConnectAsync("slow").AsTask();
        await connect.Should().ThrowAsync<System.Net.Sockets.SocketException>();
    }

    [Fact]
    public async Task Requests_under_way_count_as_in_flight()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var request = bed.Session.Connection.RequestAsync("?").AsTask();
        var stopping = bed.Server.StopAsync();
        await Gone(bed);
        bed.Session.Connection.ClosedToken.IsCancellationRequested.Should().BeFalse();

        await peer.SendAsync("answer\n");

        (await request.Soon()).ToString().Should().Be("answer");
        await peer.FinishAsync();
        await stopping.Soon();
    }

    [Fact]
    public async Task A_connection_that_is_not_open_yet_does_not_hold_it()
    {
        await using var bed = new TestBed();
        await bed.StartAsync();
        bed.Listener.Opening = token => new ValueTask(Task.Delay(Timeout.Infinite, token));
        await using var peer = await bed.ConnectRawAsync();

        await bed.Server.StopAsync().Soon();

        (await peer.EndsAsync()).Should().BeFalse();
    }

    /// <summary>The stop has begun its second stage: the drain time runs.</summary>
    private static Task Gone(TestBed bed) => bed.Time.MadeAsync(TimeSpan.FromSeconds(10));

    private sealed class SlowListener(Listener inner) : Listener
    {
        public TaskCompletionSource Bound { get; } = Gate();

        public override System.Net.EndPoint EndPoint => inner.EndPoint;

        public override async ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken)
        {
            await Bound.Task;
            await inner.BindAsync(new(), cancellationToken);
        }

        public override ValueTask<Transport?> AcceptAsync() => inner.AcceptAsync();

        public override ValueTask StopAsync() => inner.StopAsync();

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
