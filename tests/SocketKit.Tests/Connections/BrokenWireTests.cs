using System.Net;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>
/// Wires, listeners and clocks of somebody else's that throw where they must not: only their own connection notices, and whatever waits for
/// its end is told.
/// </summary>
[Trait("Fault", "X02")]
public class BrokenWireTests
{
    public static TheoryData<string, string> Breaks
    {
        get
        {
            var breaks = new TheoryData<string, string>();
            foreach (var member in Enum.GetNames<Member>())
            {
                foreach (var end in new[] { "close", "abort", "peer", "stop" })
                {
                    breaks.Add(member, end);
                }
            }

            return breaks;
        }
    }

    private enum Member
    {
        Yield,
        YieldLater,
        BytesSent,
        Abort,
        Dispose,
        Finish,
        LocalEndPoint,
        RemoteEndPoint,
        Open,
        Receive,
        Send,
    }

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task A_wire_that_throws_ends_its_own_connection_and_no_other(string member, string end)
    {
        var bed = new TestBed();
        var listener = new BrokenListener(bed.Network.Listen("broken"), Enum.Parse<Member>(member));
        await bed.StartAsync(
            async (connection, message) =>
            {
                await Task.Yield();
                await connection.SendAsync(message);
            },
            options => options.Listeners.Add(listener));
        await using var healthy = await bed.ConnectRawAsync();
        bed.Network.Settle();
        await using var peer = new RawPeer(await bed.Network.ConnectAsync("broken"));
        bed.Network.Settle();
        await listener.AcceptedAsync();
        var broken = bed.Sessions.Count == 2 ? bed.Sessions.Last() : null;
        listener.Breaks = true;
        await Record.ExceptionAsync(() => peer.SendAsync("hello\n"));
        bed.Network.Settle();
        switch (end)
        {
            case "close":
                _ = broken?.Connection.CloseAsync().AsTask();
                await peer.DisposeAsync();
                break;
            case "abort":
                broken?.Connection.Abort();
                await peer.DisposeAsync();
                break;
            case "peer":
                await peer.DisposeAsync();
                break;
            default:
                break;
        }

        bed.Network.Settle();
        if (end != "stop")
        {
            await Eventually.TrueAsync(() => bed.Server.Connections.Count == 1);
            if (broken is not null)
            {
                await broken.Connection.Closed.WaitAsync(TestBed.Patience);
                await broken.ClosedCall;
            }

            await healthy.SendAsync("still here\n");
            (await healthy.ReceiveAsync(11)).Should().Be("still here\n");
        }

        await bed.Server.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestBed.Patience);
        await Eventually.TrueAsync(() => bed.Server.Connections.Count == 0);
        foreach (var session in bed.Sessions)
        {
            await session.ClosedCall;
        }
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("dispose")]
    [InlineData("both")]
    public async Task A_listener_that_throws_at_the_stop_does_not_keep_the_server_from_it(string where)
    {
        var bed = new TestBed();
        var listener = new StubbornListener(bed.Network.Listen("stubborn"), where);
        await bed.StartAsync(configure: options => options.Listeners.Add(listener));
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();

        await bed.Server.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestBed.Patience);

        bed.Server.State.Should().Be(ServerState.Stopped);
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.ServerStopping);
        bed.Logs.GetSnapshot().Count(line => line.Id.Id == 16).Should().Be(where == "both" ? 2 : 1);
    }

    [Fact]
    public async Task A_clock_that_begins_to_throw_ends_nothing_and_keeps_nothing_from_its_end()
    {
        var clock = new BrokenClock();
        await using var bed = await new TestBed().StartAsync(configure: options => options.TimeProvider = clock);
        await using var first = await bed.ConnectRawAsync();
        bed.Network.Settle();
        clock.Breaks = true;
        clock.Tick();
        clock.Tick();

        await using var second = await bed.ConnectRawAsync();
        await second.SendAsync("hello\n");
        (await second.ReceiveAsync(6)).Should().Be("hello\n");
        await first.DisposeAsync();
        bed.Network.Settle();
        bed.Server.Connections.Count.Should().Be(1);
        bed.Sessions.Last().Connection.Abort();
        bed.Network.Settle();
        bed.Server.Connections.Count.Should().Be(0);
        foreach (var session in bed.Sessions)
        {
            await session.ClosedCall;
        }

        bed.Logs.GetSnapshot().Should().Contain(line => line.Id.Id == 15 && line.Message.Contains(nameof(BrokenClock)));
        bed.Logs.GetSnapshot().Should().ContainSingle(line => line.Exception != null && line.Exception.Message.Contains("no date"));
        await bed.Server.StopAsync().WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task An_exception_that_cannot_tell_what_it_is_ends_its_connection_like_any_other()
    {
        await using var bed = await new TestBed().StartAsync(async (_, _) =>
        {
            await Task.Yield();
            throw new SilentException();
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("hello\n");
        await peer.FinishAsync();
        bed.Network.Settle();

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.HandlerFailed);
        reason.ToString().Should().Contain(nameof(SilentException));
    }

    private sealed class SilentException : Exception
    {
        public override string Message => throw new FormatException("no message");
    }

    /// <summary>A clock whose timers the test fires.</summary>
    private sealed class BrokenClock : TimeProvider
    {
        private readonly List<(TimerCallback Callback, object? State)> _timers = [];

        public bool Breaks { get; set; }

        public override long GetTimestamp() => Breaks ? throw new NotSupportedException("no time") : base.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => Breaks ? throw new NotSupportedException("no date") : base.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add((callback, state));
            return Breaks ? throw new NotSupportedException("no timer") : new Timer(this);
        }

        public void Tick() => _timers.ForEach(static timer => timer.Callback(timer.State));

        private sealed class Timer(BrokenClock clock) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => _ = clock.Breaks ? throw new NotSupportedException("no end") : 0;

            public ValueTask DisposeAsync() => default;
        }
    }

    private sealed class StubbornListener(Listener inner, string where) : Listener
    {
        public override EndPoint EndPoint => inner.EndPoint;

        public override ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken) => inner.BindAsync(new(), cancellationToken);

        public override ValueTask<Transport?> AcceptAsync() => inner.AcceptAsync();

        public override ValueTask StopAsync() => where is "stop" or "both" ? throw new IOException("no stop") : inner.StopAsync();

        public override ValueTask DisposeAsync() => where is "dispose" or "both" ? throw new IOException("no end") : inner.DisposeAsync();
    }

    private sealed class BrokenListener(Listener inner, Member member) : Listener
    {
        private readonly TaskCompletionSource _accepted = Shorthand.Gate();
        private BrokenTransport? _wire;

        public bool Breaks
        {
            set => _wire!.Breaks = value;
        }

        public override EndPoint EndPoint => inner.EndPoint;

        public Task AcceptedAsync() => _accepted.Task.WaitAsync(TestBed.Patience);

        public override ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken) => inner.BindAsync(new(), cancellationToken);

        public override async ValueTask<Transport?> AcceptAsync()
        {
            var wire = await inner.AcceptAsync().ConfigureAwait(false);
            if (wire is null)
            {
                return null;
            }

            _wire = new BrokenTransport(wire, member) { Breaks = member == Member.Open };
            _accepted.TrySetResult();
            return _wire;
        }

        public override ValueTask StopAsync() => inner.StopAsync();

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    /// <summary>Does what it is asked, and then throws where the test says.</summary>
    private sealed class BrokenTransport(Transport inner, Member member) : Transport
    {
        public bool Breaks { get; set; }

        public override EndPoint? LocalEndPoint => Sound(Member.LocalEndPoint, inner.LocalEndPoint);

        public override EndPoint? RemoteEndPoint => Sound(Member.RemoteEndPoint, inner.RemoteEndPoint);

        public override long BytesSent => Sound(Member.BytesSent, inner.BytesSent);

        public override ValueTask OpenAsync(CancellationToken cancellationToken) => Sound(Member.Open, inner.OpenAsync(cancellationToken));

        public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => Sound(Member.Receive, inner.ReceiveAsync(buffer));

        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => Sound(Member.Send, inner.SendAsync(batch));

        public override ValueTask CompleteOutputAsync() => Sound(Member.Finish, inner.CompleteOutputAsync());

        public override ValueTask YieldAsync() => Sound(Member.Yield, member == Member.YieldLater ? YieldLaterAsync() : inner.YieldAsync());

        public override void Abort()
        {
            inner.Abort();
            Sound(Member.Abort, 0);
        }

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync().ConfigureAwait(false);
            Sound(Member.Dispose, 0);
        }

        private async ValueTask YieldLaterAsync()
        {
            await inner.YieldAsync().ConfigureAwait(false);
            Sound(Member.YieldLater, 0);
        }

        private T Sound<T>(Member asked, T result) => Breaks && asked == member ? throw new NotSupportedException($"{asked} is broken") : result;
    }
}
