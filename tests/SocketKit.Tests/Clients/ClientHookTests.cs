using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Clients;

/// <summary>The connect hook: first on the wire, under the open deadline, with everybody else behind it.</summary>
public class ClientHookTests
{
    private static readonly InMemoryEndPoint Address = new(TestBed.Address);

    [Fact]
    public async Task A_request_behind_the_hook_keeps_its_options()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var hook = await HeldHook.ConnectAsync(bed);
        var request = hook.Client.RequestAsync("?", new() { Timeout = TimeSpan.FromSeconds(2) }).AsTask();
        bed.Advance(3);
        request.IsCompleted.Should().BeFalse("it is not sent yet");
        await hook.EndAsync();

        bed.Advance(2.2);

        (await request.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>()).Which.Timeout.Should().Be(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Others_wait_behind_the_hook_in_the_order_of_their_calls()
    {
        await using var bed = await new TestBed().StartAsync((connection, message) =>
            message.Text().StartsWith('?') ? connection.SendAsync("answer to " + message.Text()) : default);
        var gate = Gate();
        var inHook = Gate();
        await using var client = new SocketClient(bed.ClientOptions(options => options.OnOpening = async (connection, token) =>
        {
            await connection.SendAsync("log in", token);
            inHook.SetResult();
            await gate.Task;
            using var welcome = await connection.RequestAsync("?welcome", cancellationToken: token);
            welcome.ToString().Should().Be("answer to ?welcome");
        }));
        var connecting = client.ConnectAsync();
        await inHook.Task.Soon();
        client.State.Should().Be(ClientState.Connecting);
        client.Connection.Should().BeNull();
        client.TrySend("x").Should().BeFalse();
        var buffer = "first"u8.ToArray();
        var first = client.SendAsync((ReadOnlyMemory<byte>)buffer).AsTask();
        buffer.AsSpan().Clear();
        var request = client.RequestAsync("?second").AsTask();
        var third = client.SendAsync("third").AsTask();
        bed.Network.Settle();
        bed.Session.Messages.Should().Equal("log in");
        new[] { first, request, third, connecting }.Should().OnlyContain(task => !task.IsCompleted);

        bed.Open(gate);

        await connecting.Soon();
        await Task.WhenAll(first, third).Soon();
        (await request.Soon()).ToString().Should().Be("answer to ?second");
        bed.Session.Messages.Should().Equal("log in", "?welcome", "first", "?second", "third");
    }

    [Fact]
    public async Task Connected_of_the_handler_comes_after_the_hook()
    {
        await using var bed = await new TestBed().StartAsync();
        var calls = new List<string>();
        await using var client = await bed.ConnectAsync(options =>
        {
            options.OnOpening = async (connection, token) =>
            {
                calls.Add("hook");
                await connection.SendAsync("from the hook", token);
            };
            options.HandlerFactory = _ => new TestHandler
            {
                Connected = _ =>
                {
                    calls.Add("connected");
                    return default;
                },
                Message = (_, message) =>
                {
                    calls.Add(message.Text());
                    return default;
                },
            };
        });

        calls.Should().Equal("hook", "connected", "from the hook");
    }

    [Fact]
    public async Task The_hook_runs_under_the_open_deadline_and_gets_its_token()
    {
        await using var bed = await new TestBed().StartAsync();
        var cancelled = Gate();
        await using var client = new SocketClient(bed.ClientOptions(options => options.OnOpening = async (_, token) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                cancelled.SetResult();
            }
        }));
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromMilliseconds(100), 2);
        bed.Network.Settle();
        var held = client.RequestAsync("held").AsTask();
        bed.Advance(9.8);
        connecting.IsCompleted.Should().BeFalse();

        bed.Advance(0.3);

        var thrown = await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectException>();
        thrown.Which.Reason.Kind.Should().Be(CloseKind.OpenFailed);
        thrown.Which.Reason.Detail.Should().Contain("ConnectionOptions.OpenTimeout");
        await cancelled.Task.Soon();
        (await held.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.OpenFailed);
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_peer_that_leaves_during_the_hook_is_the_cause()
    {
        var bed = await new TestBed().StartAsync((connection, _) => connection.CloseAsync("no"));
        await using var client = new SocketClient(bed.ClientOptions(options => options.OnOpening = async (connection, token) =>
        {
            using var response = await connection.RequestAsync("log in", cancellationToken: token);
        }));
        var connect = () => client.ConnectAsync().Soon();

        var thrown = await connect.Should().ThrowAsync<ConnectException>();

        thrown.Which.Reason.Kind.Should().Be(CloseKind.PeerClosed);
        thrown.Which.Reason.Phase.Should().Be(ClosePhase.Opening);
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Level >= LogLevel.Warning);
        await bed.DisposeAsync();
    }

    [Fact]
    public async Task A_connection_that_is_closed_before_it_begins_leaves_no_hook_waiting()
    {
        await using var bed = await new TestBed().StartAsync();
        var time = new TimeThatActs();
        var hooks = new List<CancellationToken>();
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.TimeProvider = time;
            options.OnOpening = (_, token) =>
            {
                hooks.Add(token);
                return new ValueTask(Task.Delay(Timeout.Infinite, token));
            };
        }));
        time.OnClock = () => _ = client.DisconnectAsync();

        await client.Invoking(closed => closed.ConnectAsync().Soon()).Should().ThrowAsync<OperationCanceledException>();

        hooks.Should().BeEmpty();
    }

    [Fact]
    public async Task Held_messages_fail_with_a_connection_that_never_begins_and_do_not_go_to_the_next()
    {
        await using var bed = await new TestBed().StartAsync();
        var time = new TimeThatActs();
        await using var client = new SocketClient(bed.ClientOptions(options => options.TimeProvider = time));
        Task? held = null;
        time.OnClock = () =>
        {
            held = client.SendAsync("x").AsTask();
            throw new NotSupportedException("no timer");
        };

        var failure = (await client.Invoking(failing => failing.ConnectAsync().Soon()).Should().ThrowAsync<ConnectException>()).Which;

        failure.Reason.Exception.Should().BeOfType<NotSupportedException>();
        held!.IsFaulted.Should().BeTrue("who connects anew must not find it sent");
        (await held.Invoking(task => task).Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Should().Be(failure.Reason);
    }

    [Fact]
    public async Task Held_messages_fail_with_the_reason_when_the_hook_fails()
    {
        await using var bed = await new TestBed().StartAsync();
        var gate = Gate();
        var inHook = Gate();
        await using var client = new SocketClient(bed.ClientOptions(options => options.OnOpening = async (_, _) =>
        {
            inHook.SetResult();
            await gate.Task;
            throw new RejectedException("wrong password\u001b[31m");
        }));
        var connecting = client.ConnectAsync();
        await inHook.Task.Soon();
        var send = client.SendAsync("x").AsTask();
        var request = client.RequestAsync("x").AsTask();
        bed.Open(gate);

        foreach (var task in new[] { send, request, connecting })
        {
            (await task.Invoking(held => held.Soon()).Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Should().Match<CloseReason>(reason => reason.Kind == CloseKind.Rejected && reason.Detail!.StartsWith("wrong password") && !reason.Detail.Contains('\u001b'));
        }

        bed.Session.Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task Cancelling_a_held_message_ends_its_wait_at_once()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var hook = await HeldHook.ConnectAsync(bed);
        using var cancel = new CancellationTokenSource();
        var send = hook.Client.SendAsync("sent all the same", cancel.Token).AsTask();
        var request = hook.Client.RequestAsync("not sent", cancellationToken: cancel.Token).AsTask();
        cancel.Cancel();

        await send.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        await request.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        await hook.EndAsync();
        bed.Session.Messages.Should().Equal("sent all the same");
    }

    [Fact]
    public Task What_is_held_is_bounded_by_the_send_limit() => HoldsAtMostAsync(6, new byte[10_000]);

    [Fact, Trait("Fault", "X13")]
    public Task Empty_messages_that_are_held_are_bounded_too() => HoldsAtMostAsync(1024, []);

    [Fact]
    public async Task Disconnecting_during_the_hook_ends_it()
    {
        await using var bed = await new TestBed().StartAsync();
        var inHook = Gate();
        var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Reconnect = new BackoffReconnect();
            options.OnOpening = async (_, token) =>
            {
                inHook.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            };
        }));
        var connecting = client.ConnectAsync();
        await inHook.Task.Soon();

        await client.DisposeAsync().AsTask().Soon();

        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task The_hook_runs_on_every_connection()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        var hooks = 0;
        await using var client = await bed.ConnectAsync(options =>
        {
            options.Reconnect = new ScriptedReconnect(0.5, 0.5);
            options.OnOpening = (connection, token) => connection.SendAsync($"subscribe {++hooks}", token);
        });
        for (var round = 0; round < 2; round++)
        {
            bed.Network.Reset(Address);
            bed.Advance(0.5);
        }

        bed.Sessions.Select(session => session.Messages.Single()).Should().Equal("subscribe 1", "subscribe 2", "subscribe 3");
    }

    private static async Task HoldsAtMostAsync(int count, byte[] message)
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var hook = await HeldHook.ConnectAsync(bed, options => options.MaxQueuedBytes = 64 * 1024);
        var held = Enumerable.Range(0, count).Select(_ => hook.Client.SendAsync(message).AsTask()).ToArray();
        var over = () => hook.Client.SendAsync(message).AsTask();

        (await over.Should().ThrowAsync<ConnectionClosedException>()).Which.Message.Should().Contain("ConnectionOptions.MaxQueuedBytes");
        await hook.EndAsync();
        await Task.WhenAll(held).Soon();
        bed.Network.Settle();
        bed.Session.Messages.Should().HaveCount(count);
    }

    /// <summary>A client whose hook is under way until the test ends it.</summary>
    private sealed class HeldHook : IAsyncDisposable
    {
        private readonly TestBed _bed;
        private readonly TaskCompletionSource _gate = Gate();
        private readonly TaskCompletionSource _begun = Gate();
        private Task _connecting = Task.CompletedTask;

        private HeldHook(TestBed bed, Action<SocketClientOptions>? configure)
        {
            _bed = bed;
            Client = new SocketClient(bed.ClientOptions(options =>
            {
                options.OnOpening = async (_, _) =>
                {
                    _begun.SetResult();
                    await _gate.Task;
                };
                configure?.Invoke(options);
            }));
        }

        public SocketClient Client { get; }

        public static async Task<HeldHook> ConnectAsync(TestBed bed, Action<SocketClientOptions>? configure = null)
        {
            var hook = new HeldHook(bed, configure);
            hook._connecting = hook.Client.ConnectAsync();
            await hook._begun.Task.Soon();
            return hook;
        }

        public async Task EndAsync()
        {
            _bed.Open(_gate);
            await _connecting.Soon();
        }

        public ValueTask DisposeAsync() => Client.DisposeAsync();
    }

    /// <summary>Does something when a connection gets its clock, which is just before it begins.</summary>
    private sealed class TimeThatActs : Microsoft.Extensions.Time.Testing.FakeTimeProvider
    {
        public Action? OnClock { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (period == TimeSpan.FromMilliseconds(100))
            {
                OnClock?.Invoke();
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
