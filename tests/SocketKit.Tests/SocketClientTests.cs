using System.Net.Sockets;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests;

/// <summary>Connecting, disconnecting and sending with a client that does not reconnect.</summary>
public class SocketClientTests
{
    [Fact]
    public async Task States_change_in_order_and_tell_why()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions());
        var log = new StateLog(client);
        client.State.Should().Be(ClientState.Disconnected);
        client.Connection.Should().BeNull();

        await client.ConnectAsync().Soon();
        client.State.Should().Be(ClientState.Connected);
        client.Connection!.RemoteEndPoint.Should().Be(new InMemoryEndPoint(TestBed.Address));
        await client.DisconnectAsync("done").Soon();

        var changes = await log.WaitAsync(3);
        changes.Select(change => (change.From, change.To)).Should().Equal(
            (ClientState.Disconnected, ClientState.Connecting), (ClientState.Connecting, ClientState.Connected), (ClientState.Connected, ClientState.Disconnected));
        changes[1].Reason.Should().BeNull();
        changes[2].Reason!.Kind.Should().Be(CloseKind.LocalClosed);
        changes[2].Reason!.Detail.Should().Be("done");
        client.State.Should().Be(ClientState.Disconnected);
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerClosed);
    }

    [Fact]
    public async Task Nobody_listening_fails_at_once_and_says_where_and_why()
    {
        var bed = new TestBed();
        await using var client = new SocketClient(bed.ClientOptions());
        var connect = () => client.ConnectAsync().Soon();

        var thrown = (await connect.Should().ThrowAsync<ConnectException>()).Which;

        thrown.Message.Should().StartWith("Cannot connect to memory://server: ConnectFailed by Network while Connecting");
        thrown.Reason.Exception.Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
        client.State.Should().Be(ClientState.Disconnected);
    }

    [Fact]
    public async Task A_dial_into_a_black_hole_ends_at_the_connect_time_out()
    {
        var bed = new TestBed();
        bed.Network.BlackHole(new InMemoryEndPoint(TestBed.Address));
        await using var client = new SocketClient(bed.ClientOptions());
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(5));
        bed.Advance(4.9);
        connecting.IsCompleted.Should().BeFalse();

        bed.Advance(0.2);

        var thrown = await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectException>();
        thrown.Which.Reason.Kind.Should().Be(CloseKind.ConnectTimeout);
        thrown.Which.Reason.Detail.Should().Contain("SocketClientOptions.ConnectTimeout");
    }

    [Fact]
    public async Task A_dial_may_wait_for_ever()
    {
        var bed = new TestBed();
        bed.Network.BlackHole(new InMemoryEndPoint(TestBed.Address));
        await using var client = new SocketClient(bed.ClientOptions(options => options.ConnectTimeout = Timeout.InfiniteTimeSpan));
        using var cancel = new CancellationTokenSource();
        var connecting = client.ConnectAsync(cancel.Token);
        bed.Advance(TimeSpan.FromMinutes(20));
        connecting.IsCompleted.Should().BeFalse();

        cancel.Cancel();

        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task Calls_join_an_attempt_under_way_and_are_complete_at_once_when_connected()
    {
        await using var bed = await new TestBed().StartAsync();
        bed.Network.BlackHole(new InMemoryEndPoint(TestBed.Address));
        await using var client = new SocketClient(bed.ClientOptions());
        var first = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(5));
        using var cancel = new CancellationTokenSource();
        var second = client.ConnectAsync(cancel.Token);
        var third = client.ConnectAsync();
        cancel.Cancel();
        await second.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        first.IsCompleted.Should().BeFalse("the second call abandons only its own wait");

        bed.Network.Heal(new InMemoryEndPoint(TestBed.Address));

        await first.Soon();
        await third.Soon();
        client.ConnectAsync().IsCompletedSuccessfully.Should().BeTrue();
        bed.Sessions.Should().ContainSingle();
    }

    [Fact, Trait("Fault", "X09")]
    public async Task A_callers_token_ends_its_own_wait_and_the_attempt_when_nobody_waits_any_more()
    {
        var bed = new TestBed();
        bed.Network.BlackHole(new InMemoryEndPoint(TestBed.Address));
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = new BackoffReconnect()));
        var log = new StateLog(client);
        using var cancel = new CancellationTokenSource();
        using var cancelJoined = new CancellationTokenSource();
        var connecting = client.ConnectAsync(cancel.Token);
        var joined = client.ConnectAsync(cancelJoined.Token);
        cancel.Cancel();

        var thrown = await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        thrown.Which.CancellationToken.Should().Be(cancel.Token);
        (joined.IsCompleted, client.State).Should().Be((false, ClientState.Connecting));
        cancelJoined.Cancel();
        await joined.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        (await log.EnteredAsync(ClientState.Disconnected)).Reason!.Kind.Should().Be(CloseKind.LocalClosed);
        var cancelledBefore = () => client.ConnectAsync(cancel.Token);
        await cancelledBefore.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact, Trait("Fault", "X09")]
    public async Task A_caller_without_a_token_keeps_the_attempt_alive()
    {
        await using var bed = await new TestBed().StartAsync();
        bed.Network.BlackHole(new InMemoryEndPoint(TestBed.Address));
        await using var client = new SocketClient(bed.ClientOptions());
        using var cancel = new CancellationTokenSource();
        var first = client.ConnectAsync(cancel.Token);
        var second = client.ConnectAsync();
        cancel.Cancel();
        await first.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();

        bed.Network.Heal(new InMemoryEndPoint(TestBed.Address));

        await second.Soon();
        bed.Sessions.Should().ContainSingle();
    }

    [Fact, Trait("Fault", "X09")]
    public async Task A_client_that_was_connected_goes_on_reconnecting_when_a_caller_waits_no_longer()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync(options => options.Reconnect = new ScriptedReconnect(0.7));
        bed.Network.Reset(new InMemoryEndPoint(TestBed.Address));
        using var cancel = new CancellationTokenSource();
        var waiting = client.ConnectAsync(cancel.Token);
        cancel.Cancel();
        await waiting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();

        client.State.Should().Be(ClientState.Waiting);
        bed.Advance(0.7);
        client.State.Should().Be(ClientState.Connected);
    }

    [Fact, Trait("Fault", "X09")]
    public async Task Connects_that_meet_cancellations_succeed_or_end_with_their_own_token()
    {
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler());
        for (var round = 0; round < 1_000; round++)
        {
            var client = new SocketClient(bed.ClientOptions(options =>
            {
                options.TimeProvider = TimeProvider.System;
                options.Dialer = bed.Network.Dial(TestBed.Address);
            }));
            using var cancel = new CancellationTokenSource();
            var cancelled = Task.Run(() => client.ConnectAsync(cancel.Token));
            var patient = round % 2 == 0 ? client.ConnectAsync() : Task.CompletedTask;
            cancel.Cancel();
            await Task.WhenAny(cancelled).Soon();
            await patient.Soon();

            cancelled.IsFaulted.Should().BeFalse();
            if (round % 2 == 0)
            {
                client.State.Should().Be(ClientState.Connected);
            }
            else
            {
                // It has the connection, or the attempt is nobody's and ends.
                await Eventually.TrueAsync(() => client.State == (cancelled.IsCanceled ? ClientState.Disconnected : ClientState.Connected));
            }

            await client.DisposeAsync().AsTask().Soon();
        }
    }

    [Fact]
    public async Task A_client_may_connect_again_after_a_failure_a_loss_and_a_disconnect()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions());
        var log = new StateLog(client);
        for (var round = 1; round <= 3; round++)
        {
            await client.ConnectAsync().Soon();
            using var response = await client.RequestAsync($"{round}").AsTask().Soon();
            response.ToString().Should().Be($"{round}");
            if (round == 1)
            {
                await client.DisconnectAsync().Soon();
            }
            else
            {
                bed.Network.Reset(new InMemoryEndPoint(TestBed.Address));
            }

            await log.EnteredAsync(ClientState.Disconnected, round);
        }

        bed.Sessions.Should().HaveCount(3);
    }

    [Fact]
    public async Task While_not_connected_sends_and_requests_throw_at_once_with_the_last_reason()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions());
        var log = new StateLog(client);
        var send = () => client.SendAsync("x").AsTask();
        var request = () => client.RequestAsync("x").AsTask();
        (await send.Should().ThrowAsync<ConnectionClosedException>()).Which.Message.Should().Contain("not connected yet");
        client.TrySend("x").Should().BeFalse();

        await client.ConnectAsync().Soon();
        bed.Network.Reset(new InMemoryEndPoint(TestBed.Address));
        await log.EnteredAsync(ClientState.Disconnected);

        (await send.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.PeerReset);
        (await request.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.PeerReset);
        client.TrySend("x").Should().BeFalse();
    }

    [Fact]
    public async Task A_handler_may_disconnect_its_own_client()
    {
        await using var bed = await new TestBed().StartAsync();
        SocketClient? client = null;
        var disconnected = Gate();
        client = new SocketClient(bed.ClientOptions(options => options.HandlerFactory = Handlers.OnText(async (_, _) =>
        {
            await client!.DisconnectAsync("enough");
            disconnected.SetResult();
        })));
        await client.ConnectAsync().Soon();
        await client.SendAsync("x");

        await disconnected.Task.Soon();
        client.State.Should().Be(ClientState.Disconnected);
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_clients_connection_has_no_server_and_a_disposed_client_does_not_connect()
    {
        await using var bed = await new TestBed().StartAsync();
        var client = await bed.ConnectAsync();
        client.Connection!.IsServer.Should().BeFalse();
        client.Connection.Client.Should().BeSameAs(client);
        client.Connection!.SetNameAsync("me").Now().Should().BeNull();
        client.Connection!.Name.Should().Be("me");
        await client.DisposeAsync();
        await client.DisposeAsync();

        var connect = () => client.ConnectAsync();
        await connect.Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public async Task A_subscriber_that_throws_is_logged_and_the_others_and_the_next_notice_still_come()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions());
        client.StateChanged += (_, change) =>
        {
            if (change.To == ClientState.Connecting)
            {
                throw new FormatException("subscriber");
            }
        };
        var log = new StateLog(client);
        var connected = Gate();
        client.StateChanged += (_, change) =>
        {
            if (change.To == ClientState.Connected)
            {
                connected.TrySetResult();
            }
        };

        await client.ConnectAsync().Soon();
        await connected.Task.Soon();

        bed.Logs.GetSnapshot().Should().Contain(line => line.Exception is FormatException);
        (await log.WaitAsync(2)).Select(change => change.To).Should().Equal(ClientState.Connecting, ClientState.Connected);
    }

    [Fact]
    public async Task A_subscriber_that_blocks_delays_nobody()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions());
        using var blocked = new ManualResetEventSlim();
        client.StateChanged += (_, _) => blocked.Wait(TestBed.Patience);

        await client.ConnectAsync().Soon();
        using var response = await client.RequestAsync("x").AsTask().Soon();
        response.ToString().Should().Be("x");
        await client.DisconnectAsync().Soon();
        blocked.Set();
    }
}
