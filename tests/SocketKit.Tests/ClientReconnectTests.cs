using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests;

/// <summary>When a client dials again, exact in virtual time.</summary>
[Trait("Fault", "R01")]
public partial class ClientReconnectTests
{
    private static readonly InMemoryEndPoint Address = new(TestBed.Address);

    [Fact]
    public async Task With_the_server_down_for_60_s_the_schedule_is_the_policys_to_the_tick()
    {
        await using var bed = new TestBed();
        var dialer = new WatchedDialer(bed.Dial(), bed.Time);
        var twin = new BackoffReconnect(random: new Random(7));
        var reason = Because(CloseKind.ConnectFailed);
        var delays = Enumerable.Range(1, 12).Select(attempt => twin.NextDelay(attempt, reason)!.Value).ToArray();
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Dialer = dialer;
            options.Reconnect = new BackoffReconnect(random: new Random(7));
        }));
        var log = new StateLog(client);
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(delays[0]);

        var expected = new List<TimeSpan> { TimeSpan.Zero };
        foreach (var delay in delays.SkipLast(1))
        {
            bed.Network.Run(() => bed.Time.Advance(delay - TimeSpan.FromTicks(1)));
            dialer.Dials.Should().Equal(expected);
            bed.Network.Run(() => bed.Time.Advance(TimeSpan.FromTicks(1)));
            expected.Add(expected[^1] + delay);
            dialer.Dials.Should().Equal(expected);
        }

        connecting.IsCompleted.Should().BeFalse("the policy covers the first attempt too");
        await bed.StartAsync();
        bed.Network.Run(() => bed.Time.Advance(delays[^1]));
        await connecting.Soon();

        var changes = await log.WaitAsync(1 + (2 * delays.Length) + 1);
        var waits = changes.Where(change => change.To == ClientState.Waiting).ToArray();
        waits.Select(change => change.RetryIn).Should().Equal(delays.Select(delay => (TimeSpan?)delay));
        waits.Select(change => change.Attempt).Should().Equal(Enumerable.Range(1, 12));
        waits.Should().OnlyContain(change => change.Reason!.Kind == CloseKind.ConnectFailed);
        changes.Zip(changes.Skip(1)).Should().OnlyContain(pair => pair.First.To == pair.Second.From);
        changes[^1].To.Should().Be(ClientState.Connected);
    }

    [Fact]
    public async Task Flapping_does_not_reset_the_back_off_but_a_life_of_10_s_does()
    {
        await using var bed = await new TestBed().StartAsync();
        var policy = new ScriptedReconnect(0.7, 0.7, 0.7, 0.7, 0.7);
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = policy));
        var log = new StateLog(client);
        await client.ConnectAsync().Soon();
        for (var round = 1; round <= 3; round++)
        {
            bed.Advance(9.8);
            bed.Network.Reset(Address);
            bed.Advance(0.7);
            await log.EnteredAsync(ClientState.Connected, round + 1);
        }

        bed.Advance(10);
        bed.Network.Reset(Address);
        bed.Advance(0.7);
        await log.EnteredAsync(ClientState.Connected, 5);
        bed.Network.Reset(Address);

        bed.Advance(0.7);
        await log.EnteredAsync(ClientState.Connected, 6);
        bed.Network.Reset(Address);

        policy.Asked.Select(asked => asked.Attempt).Should().Equal([1, 2, 3, 1, 1, 2], "the loss after 10 s is no failure");
        policy.Asked.Should().OnlyContain(asked => asked.Reason.Kind == CloseKind.PeerReset);
        await log.EnteredAsync(ClientState.Disconnected);
        (await log.WaitAsync(1)).Where(change => change.To is ClientState.Waiting or ClientState.Disconnected).Select(change => change.Attempt).Should().Equal(1, 2, 3, 0, 1, 2);
    }

    [Theory]
    [InlineData(1, 60)]
    [InlineData(3, 60)]
    [InlineData(1, 0.5)]
    public async Task MaxAttempts_counts_attempts_that_failed_and_not_the_loss_before_them(int most, double life)
    {
        await using var bed = await new TestBed().StartAsync();
        var dialer = new WatchedDialer(bed.Network.Dial(TestBed.Address), bed.Time);
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Dialer = dialer;
            options.Reconnect = new BackoffReconnect(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)) { MaxAttempts = most };
        }));
        var log = new StateLog(client);
        await client.ConnectAsync().Soon();
        for (var round = 1; round <= 3; round++)
        {
            bed.Advance(life);
            bed.Network.Reset(Address);
            bed.Advance(1);
            await log.EnteredAsync(ClientState.Connected, round + 1);
        }

        bed.Advance(life);
        dialer.Dials.Clear();
        dialer.Dialling = _ => throw new IOException("no route");
        bed.Network.Reset(Address);
        bed.Advance(most);

        (await log.EnteredAsync(ClientState.Disconnected)).Reason!.Kind.Should().Be(CloseKind.ConnectFailed);
        dialer.Dials.Should().HaveCount(most);
    }

    [Fact]
    public async Task A_life_counts_from_the_end_of_the_hook()
    {
        await using var bed = await new TestBed().StartAsync();
        var policy = new ScriptedReconnect(0.7, 0.7, 0.7);
        var gate = Gate();
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Reconnect = policy;
            options.OnOpening = async (_, _) => await gate.Task;
        }));
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromMilliseconds(100), 2);
        bed.Advance(9);
        bed.Open(gate);
        await connecting.Soon();
        bed.Advance(2);
        bed.Network.Reset(Address);

        bed.Advance(0.7);
        await client.ConnectAsync().Soon();
        bed.Network.Reset(Address);
        policy.Asked.Select(asked => asked.Attempt).Should().Equal(1, 2);
    }

    [Fact]
    public async Task A_hook_that_fails_is_a_failed_attempt_and_one_that_is_rejected_ends_it()
    {
        await using var bed = await new TestBed().StartAsync();
        var policy = new ScriptedReconnect(0.7, 0.8, 0.9);
        var hooks = 0;
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Reconnect = policy;
            options.OnOpening = (_, _) => ++hooks < 3 ? throw new FormatException("log-in server is busy") : throw new RejectedException("wrong password");
        }));
        var log = new StateLog(client);
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(0.7));
        bed.Advance(0.7);
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(0.8));
        bed.Advance(0.8);

        var thrown = await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectException>();
        thrown.Which.Reason.Kind.Should().Be(CloseKind.Rejected);
        thrown.Which.Reason.By.Should().Be(CloseParty.Peer);
        thrown.Which.Reason.Detail.Should().Be("wrong password");
        policy.Asked.Select(asked => asked.Reason.Kind).Should().Equal(CloseKind.HandlerFailed, CloseKind.HandlerFailed);
        policy.Asked.Select(asked => asked.Attempt).Should().Equal(1, 2);
        hooks.Should().Be(3);
        (await log.EnteredAsync(ClientState.Disconnected)).Reason!.Kind.Should().Be(CloseKind.Rejected);
        bed.Advance(60);
        hooks.Should().Be(3);
    }

    [Fact]
    public async Task A_policy_that_gives_up_ends_it_with_the_last_reason()
    {
        var bed = new TestBed();
        var policy = new ScriptedReconnect(0.7);
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = policy));
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(0.7));
        bed.Advance(0.7);

        var thrown = await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectException>();
        thrown.Which.Reason.Kind.Should().Be(CloseKind.ConnectFailed);
        client.State.Should().Be(ClientState.Disconnected);
    }

    [Fact]
    public async Task Disconnecting_while_it_waits_ends_it_at_once()
    {
        var bed = new TestBed();
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = new ScriptedReconnect(700)));
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(700));

        await client.DisconnectAsync("never mind").Soon();

        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        client.State.Should().Be(ClientState.Disconnected);
    }

    [Fact]
    public async Task While_it_waits_sends_throw_with_the_last_reason_and_connect_joins()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = new ScriptedReconnect(0.7)));
        await client.ConnectAsync().Soon();
        bed.Network.Reset(Address);
        client.State.Should().Be(ClientState.Waiting);

        var send = () => client.SendAsync("x").AsTask();
        (await send.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.PeerReset);
        var joined = client.ConnectAsync();
        joined.IsCompleted.Should().BeFalse();
        bed.Advance(0.7);
        await joined.Soon();
        client.TrySend("x").Should().BeTrue();
    }

    [Fact]
    public async Task Requests_under_way_fail_at_the_loss_and_are_not_resent()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = new ScriptedReconnect(0.7)));
        await client.ConnectAsync().Soon();
        var request = client.RequestAsync("once").AsTask();
        bed.Network.Reset(Address);
        bed.Advance(1);

        (await request.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.PeerReset);
        bed.Sessions.Should().HaveCount(2);
        bed.Sessions.Last().Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task Stale_events_of_an_old_connection_never_reach_the_new_one()
    {
        await using var bed = await new TestBed().StartAsync();
        var gate = Gate();
        var calls = new List<string>();
        var made = 0;
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Reconnect = new ScriptedReconnect(0.7);
            options.HandlerFactory = _ =>
            {
                var number = ++made;
                return new TestHandler
                {
                    Message = async (_, message) =>
                    {
                        await (number == 1 ? gate.Task : Task.CompletedTask);
                        calls.Add($"{number}: {message.Text()}");
                    },
                    Closed = (_, _) =>
                    {
                        calls.Add($"{number}: closed");
                        return default;
                    },
                };
            };
        }));
        await client.ConnectAsync().Soon();
        var old = client.Connection!;
        await client.SendAsync("a");
        bed.Network.Reset(Address);
        bed.Advance(0.7);
        client.Connection.Should().NotBeSameAs(old).And.NotBeNull();

        bed.Open(gate);
        old.Abort();
        await client.SendAsync("b");

        client.State.Should().Be(ClientState.Connected);
        calls.Should().Equal("1: a", "1: closed", "2: b");
    }

    [Fact]
    public async Task The_policy_never_runs_inside_the_member_that_ends_the_connection()
    {
        await using var bed = await new TestBed().StartAsync();
        var policy = new Placed();
        var gate = Gate();
        await using var client = await bed.ConnectAsync(options =>
        {
            options.Reconnect = policy;
            options.HandlerFactory = Handlers.OnMessage((_, _) => new ValueTask(gate.Task));
        });

        // The mailbox is full, so no receive is under way that would bring the end elsewhere.
        for (var i = 0; i < 300; i++)
        {
            await bed.Session.Connection.SendAsync("x");
        }

        client.Connection!.Abort();
        bed.Network.Settle();

        policy.Thread.Should().NotBe(0).And.NotBe(Environment.CurrentManagedThreadId);
        bed.Open(gate);
    }

    private sealed class Placed : IReconnectPolicy
    {
        public int Thread { get; private set; }

        public TimeSpan? NextDelay(int attempt, CloseReason reason)
        {
            Thread = Environment.CurrentManagedThreadId;
            return null;
        }
    }
}
