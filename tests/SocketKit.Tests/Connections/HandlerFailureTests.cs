using System.Buffers;
using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>User code that throws closes its own connection, and nothing else notices.</summary>
public class HandlerFailureTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_handler_that_throws_closes_its_own_connection_and_no_other(bool asynchronously)
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            if (message.Text() == "bad")
            {
                await (asynchronously ? gate.Task : Task.CompletedTask);
                throw new FormatException("what is this?");
            }

            await connection.SendAsync(message);
        });
        await using var good = await bed.ConnectRawAsync();
        await using var bad = await bed.ConnectRawAsync();
        await bad.SendAsync("fine\nbad\nnever\n");
        bed.Open(gate);

        (await bad.ReceiveToEndAsync()).Should().Be("fine\n");
        await bad.FinishAsync();
        var reason = await bed.Sessions.Last().ClosedCall;
        reason.Kind.Should().Be(CloseKind.HandlerFailed);
        reason.By.Should().Be(CloseParty.Local);
        reason.Detail.Should().Be("FormatException: what is this?");
        reason.Exception.Should().BeOfType<FormatException>();
        bed.Sessions.Last().Messages.Should().Equal("fine", "bad");
        bed.Logs.GetSnapshot().Should().ContainSingle(line => line.Level == LogLevel.Error).Which.Exception.Should().BeOfType<FormatException>();

        await good.SendAsync("still here\n");
        (await good.ReceiveAsync()).Should().Be("still here\n");
    }

    [Fact]
    public async Task Connected_that_throws_closes_the_connection_and_closed_is_still_called()
    {
        CloseReason? closed = null;
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler
        {
            Connected = _ => throw new FormatException("not today"),
            Closed = (_, reason) =>
            {
                closed = reason;
                return default;
            },
        });
        await using var peer = await bed.ConnectRawAsync();
        (await peer.EndsAsync()).Should().BeTrue();
        await peer.FinishAsync();
        bed.Network.Settle();

        closed!.Kind.Should().Be(CloseKind.HandlerFailed);
    }

    public enum Place
    {
        Connected,
        Message,
        LaterMessage,
        Framer,
        Closed,
    }

    // Its message may come from a peer, and be missing there.
    [Theory, Trait("Fault", "X59")]
    [InlineData(Place.Connected)]
    [InlineData(Place.Message)]
    [InlineData(Place.LaterMessage)]
    [InlineData(Place.Framer)]
    [InlineData(Place.Closed)]
    public async Task An_exception_without_a_message_closes_the_connection_and_is_told_like_any_other(Place place)
    {
        var closed = new TaskCompletionSource<CloseReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var bed = await new TestBed().StartAsync(
            _ => new TestHandler
            {
                Connected = _ => place == Place.Connected ? throw new Silent() : default,
                Message = async (_, _) =>
                {
                    if (place == Place.LaterMessage)
                    {
                        await Task.Yield();
                    }

                    if (place is Place.Message or Place.LaterMessage)
                    {
                        throw new Silent();
                    }
                },
                Closed = (_, reason) =>
                {
                    closed.SetResult(reason);
                    return place == Place.Closed ? throw new Silent() : default;
                },
            },
            options => options.Framer = place == Place.Framer ? new TestFramer { OnRead = (_, _) => throw new Silent() } : Framers.Lines());
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("hello\n");
        await peer.FinishAsync();

        var reason = await closed.Task.WaitAsync(TestBed.Patience);
        reason.Kind.Should().Be(place switch { Place.Framer => CloseKind.FramerFailed, Place.Closed => CloseKind.PeerClosed, _ => CloseKind.HandlerFailed });
        await Eventually.TrueAsync(() => bed.Logs.GetSnapshot().Any(line => line.Level == LogLevel.Error && line.Exception is Silent));
        await Eventually.TrueAsync(() => bed.Server.Connections.Count == 0);
    }

    private sealed class Silent : Exception
    {
        public override string Message => null!;
    }

    [Fact]
    public async Task The_death_of_another_connection_is_no_failure_of_this_one()
    {
        IConnection? other = null;
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await other!.SendAsync(message);
        });
        await using var first = await bed.ConnectRawAsync();
        other = bed.Session.Connection;
        await using var second = await bed.ConnectRawAsync();
        other.Abort();
        await other.Closed.Soon();

        await second.SendAsync("to the dead\n");
        await second.SendAsync("and again\n");

        bed.Sessions.Last().Connection.Closed.IsCompleted.Should().BeFalse();
        bed.Sessions.Last().Messages.Should().HaveCount(2);
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_handler_ended_by_its_own_connections_token_has_not_failed()
    {
        await using var bed = await new TestBed().StartAsync(async (connection, _) => await Task.Delay(Timeout.Infinite, connection.ClosedToken));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("wait\n");

        bed.Session.Connection.Abort();

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.Aborted);
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_send_after_the_own_connections_death_has_not_failed_either()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await gate.Task;
            await connection.SendAsync(message);
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("late\n");
        bed.Network.Reset(bed.Session.Connection.RemoteEndPoint!);

        bed.Open(gate);

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerReset);
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_reader_of_correlation_ids_that_throws_closes_its_connection()
    {
        await using var bed = await new TestBed().StartAsync(
            configure: options => options.ReadCorrelationId = _ => throw new FormatException("no id"));
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("x\n");
        await peer.FinishAsync();

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.HandlerFailed);
        reason.Detail.Should().Be("ConnectionOptions.ReadCorrelationId threw FormatException: no id");
    }

    [Theory]
    [InlineData("decide")]
    [InlineData("classify")]
    [InlineData("ping")]
    [InlineData("pong")]
    public async Task A_heartbeat_policy_that_throws_closes_its_connection(string where)
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = new BrokenPolicy(where));
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("x\n");
        bed.Advance(0.2);
        await peer.FinishAsync();

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.HandlerFailed);
        reason.Detail.Should().Be("BrokenPolicy threw FormatException: " + where);
    }

    [Fact]
    public async Task A_heartbeat_policy_that_fails_to_make_a_state_closes_its_connection_before_a_handler_is_made()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = new BrokenPolicy("state"));
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("x\n");
        (await peer.ReceiveToEndAsync()).Should().BeEmpty();
        await peer.FinishAsync();

        bed.Sessions.Should().BeEmpty();
        bed.Server.Connections.Should().BeEmpty();
        var lines = bed.Logs.GetSnapshot();
        const string reason = "HandlerFailed by Local while Opening: BrokenPolicy threw FormatException: state";
        lines.Should().Contain(line => line.Message.Contains(reason));
        lines.Should().ContainSingle(line => line.Level == LogLevel.Error).Which.Message.Should().Contain("BrokenPolicy");
    }

    private sealed class BrokenPolicy(string where) : IHeartbeatPolicy
    {
        public object? CreateState(IConnection connection) => where == "state" ? throw new FormatException(where) : null;

        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state) => where switch
        {
            "decide" => throw new FormatException(where),
            "ping" => HeartbeatDecision.Send(TimeSpan.Zero),
            _ => HeartbeatDecision.Never,
        };

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) => where switch
        {
            "classify" => throw new FormatException(where),
            "pong" => HeartbeatKind.Ping,
            _ => HeartbeatKind.None,
        };

        public void Write(
            HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output) =>
            throw new FormatException(kind == HeartbeatKind.Ping ? "ping" : "pong");
    }

    [Fact, Trait("Fault", "X59")]
    public async Task A_flood_of_failures_is_held_back_by_the_type_of_the_exception()
    {
        await using var bed = await new TestBed().StartAsync((_, message) => throw (message.Text() == "rare" ? new InvalidDataException("rare") : new FormatException("again")));
        for (var round = 0; round < 100; round++)
        {
            await using var peer = await bed.ConnectRawAsync();
            await peer.SendAsync("bad\n");
            await peer.ReceiveToEndAsync();
        }

        await using var other = await bed.ConnectRawAsync();
        await other.SendAsync("rare\n");
        await other.ReceiveToEndAsync();
        bed.Network.Settle();

        var failures = bed.Logs.GetSnapshot().Where(line => line.Id.Id == 22).ToArray();
        failures.Should().HaveCount(101);
        failures.Where(line => line.Level == LogLevel.Error).Select(line => line.Exception!.GetType()).Should().Equal(Enumerable.Repeat(typeof(FormatException), 10).Append(typeof(InvalidDataException)));
        bed.Logs.GetSnapshot().Where(line => line.Id.Id == 70).Should().Contain(line => line.Message.Contains("failures by FormatException"));
    }
}
