using System.Collections.Concurrent;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests;

/// <summary>Nothing begins after DisposeAsync was called, and nothing is left when it has completed.</summary>
[Trait("Fault", "X04")]
public class SocketClientDisposeTests
{
    [Fact]
    public async Task A_connect_that_waits_for_a_disconnect_throws_when_the_client_is_disposed_of()
    {
        await using var bed = await new TestBed().StartAsync();
        var client = await bed.ConnectAsync();

        // Nothing gets through, so the disconnect takes until its deadline.
        bed.Network.BlackHole(new InMemoryEndPoint(TestBed.Address));
        var disconnecting = client.DisconnectAsync();
        var connecting = client.ConnectAsync();

        var disposing = client.DisposeAsync().AsTask();
        bed.Advance(1.1);
        await disposing.Soon();

        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<ObjectDisposedException>();
        await disconnecting.Soon();
        client.State.Should().Be(ClientState.Disconnected);
        client.Connection.Should().BeNull();
        bed.Sessions.Should().ContainSingle();
    }

    [Fact]
    public async Task A_connect_that_waits_for_a_disconnect_is_ended_by_a_second_disconnect()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        var first = client.DisconnectAsync();
        var connecting = client.ConnectAsync();
        var second = client.DisconnectAsync();

        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        await Task.WhenAll(first, second).Soon();
        client.State.Should().Be(ClientState.Disconnected);
        bed.Sessions.Should().ContainSingle();
        await client.ConnectAsync().Soon();
        client.State.Should().Be(ClientState.Connected);
    }

    [Fact]
    public async Task A_dial_that_succeeds_after_the_disposal_makes_no_connection()
    {
        await using var bed = await new TestBed().StartAsync();
        var dialling = Gate();
        var go = Gate();
        var hooks = 0;
        var dialer = new WatchedDialer(bed.Dial(), bed.Time)
        {
            Dialling = _ =>
            {
                dialling.SetResult();
                return new ValueTask(go.Task);
            },
        };
        var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Dialer = new Heedless(dialer);
            options.OnOpening = (_, _) =>
            {
                hooks++;
                return default;
            };
        }));
        var log = new StateLog(client);
        var connecting = client.ConnectAsync();
        await dialling.Task.Soon();
        var disposing = client.DisposeAsync().AsTask();
        disposing.IsCompleted.Should().BeFalse("the dial is not over");

        go.SetResult();

        await disposing.Soon();
        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        (await log.WaitAsync(2)).Select(change => change.To).Should().Equal(ClientState.Connecting, ClientState.Disconnected);
        hooks.Should().Be(0);
        bed.Network.Settle();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerReset);
    }

    [Fact]
    public async Task A_send_behind_a_hook_throws_from_the_disposal_on()
    {
        await using var bed = await new TestBed().StartAsync();
        var inHook = Gate();
        var gate = Gate();
        await using var client = new SocketClient(bed.ClientOptions(options => options.OnOpening = async (_, _) =>
        {
            inHook.SetResult();
            await gate.Task;
        }));
        var connecting = client.ConnectAsync();
        await inHook.Task.Soon();
        var before = client.SendAsync("before").AsTask();
        var disposing = client.DisposeAsync().AsTask();

        var after = () => client.SendAsync("after").AsTask();

        (await after.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Detail.Should().Be("disposed");
        await disposing.Soon();
        await before.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>();
        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        bed.Open(gate);
        client.State.Should().Be(ClientState.Disconnected);
        bed.Session.Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task Messages_of_a_client_that_was_never_used_end_after_its_disposal()
    {
        var bed = new TestBed();
        var client = new SocketClient(bed.ClientOptions());
        await client.DisposeAsync();

        var read = async () =>
        {
            await foreach (var message in client.Messages)
            {
                message.Dispose();
            }
        };

        await read().Soon();
        var send = () => client.SendAsync("x").AsTask();
        (await send.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Detail.Should().Be("disposed");
        client.TrySend("x").Should().BeFalse();
    }

    [Fact]
    public async Task A_disposal_waits_for_the_last_notice()
    {
        await using var bed = await new TestBed().StartAsync();
        var client = new SocketClient(bed.ClientOptions());
        var states = new List<ClientState>();
        using var first = new ManualResetEventSlim();
        client.StateChanged += (_, change) =>
        {
            first.Wait(TestBed.Patience);
            states.Add(change.To);
        };
        await client.ConnectAsync().Soon();
        await client.DisconnectAsync().Soon();

        var disposing = client.DisposeAsync().AsTask();
        disposing.IsCompleted.Should().BeFalse();
        first.Set();
        await disposing.Soon();

        states.Should().Equal(ClientState.Connecting, ClientState.Connected, ClientState.Disconnected);
    }

    [Fact]
    public async Task A_subscriber_may_dispose_of_its_client_and_wait_for_it()
    {
        await using var bed = await new TestBed().StartAsync();
        var client = new SocketClient(bed.ClientOptions());
        var disposed = Gate();
        client.StateChanged += (_, change) =>
        {
            if (change.To == ClientState.Connected)
            {
                client.DisposeAsync().AsTask().Soon().Wait();
                disposed.SetResult();
            }
        };
        await client.ConnectAsync().Soon();

        await disposed.Task.Soon();
        client.State.Should().Be(ClientState.Disconnected);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connects_and_disconnects_that_meet_a_disposal_leave_nothing(bool reconnects)
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default, options => options.HandlerFactory = _ => new TestHandler());
        for (var round = 0; round < 1_500; round++)
        {
            var client = new SocketClient(bed.ClientOptions(options =>
            {
                options.TimeProvider = TimeProvider.System;
                options.Dialer = bed.Network.Dial(TestBed.Address);
                options.Reconnect = reconnects ? new BackoffReconnect() : null;
            }));
            var changes = new ConcurrentQueue<ClientStateChange>();
            client.StateChanged += (_, change) => changes.Enqueue(change);
            if (round % 2 == 0)
            {
                await client.ConnectAsync().Soon();
            }

            Task[] meeting =
            [
                Task.Run(() => Calm(() => client.ConnectAsync())),
                round % 3 == 0 ? client.DisconnectAsync() : Task.CompletedTask,
                Task.Run(() => Calm(() => client.ConnectAsync())),
            ];
            await client.DisposeAsync().AsTask().Soon();
            (client.State, client.Connection).Should().Be((ClientState.Disconnected, null));
            await Task.WhenAll(meeting).Soon();
            changes.Zip(changes.Skip(1)).Should().NotContain(pair => pair.First.To != pair.Second.From);

            (client.State, client.Connection).Should().Be((ClientState.Disconnected, null));
        }

        bed.Network.Settle();
        bed.Server.Connections.Should().BeEmpty();
    }

    [Fact]
    public async Task A_server_whose_start_meets_its_disposal_leaves_no_listener()
    {
        for (var round = 0; round < 500; round++)
        {
            var network = new InMemoryNetwork();
            var server = new SocketServer(new SocketServerOptions
            {
                Listeners = { network.Listen("server") },
                Framer = Framers.Lines(),
                HandlerFactory = _ => new TestHandler(),
            });
            var starting = Task.Run(() => Calm(() => server.StartAsync()));
            var stopping = round % 2 == 0 ? Task.Run(() => server.StopAsync()) : Task.CompletedTask;
            if (round % 3 == 0)
            {
                await starting.Soon();
            }

            await server.DisposeAsync().AsTask().Soon();
            server.State.Should().Be(ServerState.Stopped);
            await Task.WhenAll(starting, stopping).Soon();

            server.State.Should().Be(ServerState.Stopped);
            var dial = () => network.ConnectAsync("server").AsTask();
            await dial.Should().ThrowAsync<System.Net.Sockets.SocketException>();
        }
    }

    /// <summary>A call that may come too late.</summary>
    private static async Task Calm(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or ConnectException)
        {
        }
    }

    /// <summary>A dialer that does not heed its token.</summary>
    private sealed class Heedless(Dialer inner) : DelegatingDialer(inner)
    {
        public override ValueTask<Transport> DialAsync(TransportContext context, CancellationToken cancellationToken) =>
            base.DialAsync(context, CancellationToken.None);
    }
}
