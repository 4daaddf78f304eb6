using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Clients;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Clients;

/// <summary>The loop with an owner and a dialer that the test scripts: neither a network nor a connection.</summary>
public class ClientLoopTests : IClientLoopOwner
{
    private readonly WatchedTime _time = new();
    private readonly List<(ClientState To, CloseKind Because, TimeSpan? RetryIn)> _changes = [];
    private readonly Queue<Func<CancellationToken, ValueTask<Transport>>> _dials = [];
    private Func<ValueTask<CloseReason>> _live = () => throw new InvalidOperationException("nothing was dialed");
    private CloseReason? _concluded;

    [Fact]
    public async Task It_dials_lives_waits_and_dials_again_until_the_policy_gives_up()
    {
        Dials(_ => throw new IOException("no route"));
        Dials(_ => new ValueTask<Transport>(new FaultyTransport(null!)));
        _live = () => new ValueTask<CloseReason>(Because(CloseKind.PeerReset));
        var (loop, run) = Begin(new ScriptedReconnect(2));

        await _time.MadeAsync(TimeSpan.FromSeconds(2));
        Changes().Should().Equal((ClientState.Waiting, CloseKind.ConnectFailed, TimeSpan.FromSeconds(2)));
        _time.Advance(TimeSpan.FromSeconds(2));
        await loop.WaitAsync(TestBed.Patience);

        Changes().Skip(1).Should().Equal((ClientState.Connecting, CloseKind.ConnectFailed, null));
        _concluded!.Kind.Should().Be(CloseKind.PeerReset);
        run.Schedule.Attempt.Should().Be(2);
    }

    [Fact]
    public async Task A_dial_that_does_not_answer_ends_with_the_time_out()
    {
        Dials(ForeverAsync);
        var (loop, _) = Begin(null);

        _time.Advance(TimeSpan.FromSeconds(5));

        await loop.WaitAsync(TestBed.Patience);
        _concluded!.Kind.Should().Be(CloseKind.ConnectTimeout);
    }

    [Fact]
    public async Task Canceling_ends_the_dial_under_way_and_no_policy_is_asked()
    {
        Dials(ForeverAsync);
        var policy = new ScriptedReconnect(1);
        var (loop, run) = Begin(policy);

        run.Cancel("closing time");
        run.Unblock();

        await loop.WaitAsync(TestBed.Patience);
        _concluded.Should().Be(run.CancelReason);
        policy.Asked.Should().BeEmpty();
        _changes.Should().BeEmpty();
    }

    [Fact]
    public async Task Canceling_ends_the_delay_and_the_last_attempts_reason_stays()
    {
        Dials(_ => throw new IOException("no route"));
        var (loop, run) = Begin(new ScriptedReconnect(3600));
        await _time.MadeAsync(TimeSpan.FromHours(1));

        run.Cancel(null);
        run.Unblock();

        await loop.WaitAsync(TestBed.Patience);
        Changes().Should().ContainSingle().Which.To.Should().Be(ClientState.Waiting);
        _concluded!.Kind.Should().Be(CloseKind.ConnectFailed);
    }

    [Fact]
    public async Task A_run_that_is_canceled_before_it_begins_dials_nothing()
    {
        var run = NewRun(null);
        run.Cancel(null);

        await NewLoop().RunAsync(run).WaitAsync(TestBed.Patience);

        _concluded!.Kind.Should().Be(CloseKind.LocalClosed);
    }

    [Fact]
    public async Task The_reason_of_a_life_is_what_the_policy_is_asked_about()
    {
        Dials(_ => new ValueTask<Transport>(new FaultyTransport(null!)));
        var policy = new ScriptedReconnect();
        _live = () => new ValueTask<CloseReason>(Because(CloseKind.PeerReset));

        var (loop, _) = Begin(policy);

        await loop.WaitAsync(TestBed.Patience);
        policy.Asked.Should().ContainSingle().Which.Reason.Kind.Should().Be(CloseKind.PeerReset);
        _concluded!.Kind.Should().Be(CloseKind.PeerReset);
    }

    [Fact]
    public async Task A_life_that_throws_ends_the_run_with_the_exception()
    {
        Dials(_ => new ValueTask<Transport>(new FaultyTransport(null!)));
        var bug = new InvalidOperationException("a bug");
        _live = () => throw bug;

        var (loop, _) = Begin(new ScriptedReconnect(1));

        await loop.WaitAsync(TestBed.Patience);
        _concluded!.Exception.Should().BeSameAs(bug);
    }

    bool IClientLoopOwner.TryChange(ClientRun run, ClientState to, CloseReason reason, TimeSpan? retryIn)
    {
        if (run.IsCanceled)
        {
            return false;
        }

        lock (_changes)
        {
            _changes.Add((to, reason.Kind, retryIn));
            return true;
        }
    }

    ValueTask<CloseReason> IClientLoopOwner.LiveAsync(ClientRun run, Transport transport) => _live();

    void IClientLoopOwner.Conclude(ClientRun run, CloseReason reason)
    {
        _concluded.Should().BeNull();
        _concluded = reason;
    }

    private static async ValueTask<Transport> ForeverAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        throw new InvalidOperationException("the delay has no end");
    }

    private void Dials(Func<CancellationToken, ValueTask<Transport>> dial) => _dials.Enqueue(dial);

    private (Task Loop, ClientRun Run) Begin(IReconnectPolicy? policy)
    {
        var run = NewRun(policy);
        return (NewLoop().RunAsync(run), run);
    }

    private ClientRun NewRun(IReconnectPolicy? policy) => new(_time, new ReconnectSchedule(policy, NullLogger.Instance), default);

    private ClientLoop NewLoop()
    {
        var options = new SocketClientOptions { Dialer = new ScriptedDialer(_dials), Framer = Framers.Lines(), TimeProvider = _time };
        return new ClientLoop(new ClientSettings(options), this);
    }

    private (ClientState To, CloseKind Because, TimeSpan? RetryIn)[] Changes()
    {
        lock (_changes)
        {
            return [.. _changes];
        }
    }

    private sealed class ScriptedDialer(Queue<Func<CancellationToken, ValueTask<Transport>>> dials) : Dialer
    {
        public override ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken) =>
            dials.Dequeue()(cancellationToken);

        public override string ToString() => "script://";
    }
}
