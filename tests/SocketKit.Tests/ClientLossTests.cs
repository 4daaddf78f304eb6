using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests;

/// <summary>From its first cause of death on a connection counts as lost, although its wire takes a while yet.</summary>
[Trait("Fault", "X08")]
public class ClientLossTests
{
    private static readonly InMemoryEndPoint Address = new(TestBed.Address);

    [Fact]
    public async Task ConnectAsync_waits_for_the_next_connection_from_the_first_cause_of_death_on()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = new ScriptedReconnect(0.7)));
        var log = new StateLog(client);
        await client.ConnectAsync().Soon();
        bed.Network.Settle();
        var first = client.Connection!;

        // Nothing gets through, so the graceful end takes until its deadline.
        bed.Network.BlackHole(Address);
        await first.CloseAsync("enough");
        first.Closed.IsCompleted.Should().BeFalse();

        client.State.Should().Be(ClientState.Waiting);
        client.Connection.Should().BeNull();
        client.TrySend("x").Should().BeFalse();
        var next = client.ConnectAsync();
        next.IsCompleted.Should().BeFalse();
        bed.Advance(1.1);
        bed.Network.Heal(Address);
        bed.Advance(0.7);
        await next.Soon();

        client.Connection.Should().NotBeNull().And.NotBeSameAs(first);
        var states = (await log.WaitAsync(5)).Select(change => change.To);
        states.Should().Equal(ClientState.Connecting, ClientState.Connected, ClientState.Waiting, ClientState.Connecting, ClientState.Connected);
    }

    [Fact]
    public async Task ConnectAsync_waits_for_the_next_connection_while_the_handler_of_a_half_closed_one_still_works()
    {
        var working = Gate();
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync(options =>
        {
            options.Reconnect = new ScriptedReconnect(0.7);
            options.HandlerFactory = Handlers.OnMessage((_, _) => new ValueTask(working.Task));
        });
        var first = client.Connection!;
        await bed.Session.Connection.SendAsync("work");
        await bed.Session.Connection.CloseAsync();
        bed.Network.Settle();

        var ask = async () => await client.RequestAsync("x");
        await ask.Should().ThrowAsync<ConnectionClosedException>();
        var next = client.ConnectAsync();
        next.IsCompleted.Should().BeFalse("else a loop that sends again would spin");
        bed.Open(working);
        bed.Advance(0.7);
        await next.Soon();

        client.Connection.Should().NotBeNull().And.NotBeSameAs(first);
    }

    [Fact]
    public async Task Without_a_policy_ConnectAsync_dials_anew_when_the_dead_connection_is_released()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        var first = client.Connection!;
        bed.Network.BlackHole(Address);
        await first.CloseAsync("enough");

        client.State.Should().Be(ClientState.Disconnected);
        var next = client.ConnectAsync();
        next.IsCompleted.Should().BeFalse();
        bed.Advance(1.1);
        bed.Network.Heal(Address);
        await next.Soon();

        client.State.Should().Be(ClientState.Connected);
        client.Connection.Should().NotBeSameAs(first);
    }

    [Fact]
    public async Task A_loop_that_connects_again_after_each_failed_send_never_spins()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.TimeProvider = TimeProvider.System;
            options.Reconnect = new Immediate();
        }));
        await client.ConnectAsync().Soon();
        const int Losses = 50;
        var connects = 0;
        var lost = 0;
        var sending = Task.Run(async () =>
        {
            for (var item = 0; Volatile.Read(ref lost) < Losses || item < Losses; item++)
            {
                while (true)
                {
                    try
                    {
                        await client.SendAsync($"{item}");
                        break;
                    }
                    catch (ConnectionClosedException)
                    {
                        connects++;
                        await client.ConnectAsync();
                    }
                }
            }
        });
        while (lost < Losses)
        {
            client.Connection?.Abort();
            Volatile.Write(ref lost, lost + 1);
            await Eventually.TrueAsync(() => client.State == ClientState.Connected);
        }

        await sending.Soon();
        connects.Should().BeLessThanOrEqualTo(Losses);
    }

    [Fact]
    public async Task A_send_behind_a_hook_whose_connection_is_dying_throws_at_once()
    {
        await using var bed = await new TestBed().StartAsync();
        var inHook = Gate();
        var gate = Gate();
        IConnection? opening = null;
        await using var client = new SocketClient(bed.ClientOptions(options => options.OnOpening = async (connection, _) =>
        {
            opening = connection;
            inHook.SetResult();
            await gate.Task;
        }));
        var connecting = client.ConnectAsync();
        await inHook.Task.Soon();
        bed.Network.BlackHole(Address);
        await opening!.CloseAsync("changed my mind");

        var send = () => client.SendAsync("x").AsTask();

        (await send.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Detail.Should().Be("changed my mind");
        bed.Advance(1.1);
        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectException>();
        bed.Open(gate);
    }

    private sealed class Immediate : IReconnectPolicy
    {
        public TimeSpan? NextDelay(int attempt, CloseReason reason) => TimeSpan.Zero;
    }
}
