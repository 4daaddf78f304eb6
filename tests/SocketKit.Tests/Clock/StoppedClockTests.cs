using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Clock;

/// <summary>In a test with virtual time that nobody advances, what disposes or closes does not hang, and says for what it waited.</summary>
[Trait("Fault", "X10")]
public class StoppedClockTests
{
    private static readonly InMemoryEndPoint Address = new(TestBed.Address);

    // At the same time, since each takes the real seconds that a stopped clock is given.
    [Fact]
    public Task What_closes_or_disposes_while_the_clock_stands_still_ends_and_says_what_it_waited_for() => Task.WhenAll(
        A_client_behind_a_black_hole_is_disposed_of_and_the_log_says_what_it_waited_for(),
        A_client_behind_a_black_hole_that_disconnects_fails_with_the_message(),
        A_servers_stop_fails_with_the_message("black hole", "the peer has not sent its end"),
        A_servers_stop_fails_with_the_message("raw transport", "the peer has not sent its end"),
        A_servers_stop_fails_with_the_message("waiting handler", "its handler (Session) has not returned"),
        A_servers_stop_fails_with_the_message("waiting request", "1 of its requests wait for a response"),
        A_connection_closed_against_a_raw_transport_ends_and_says_why());

    [Fact]
    public async Task A_clock_that_goes_on_keeps_the_deadline()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        await bed.Session.Connection.CloseAsync("bye").AsTask().Soon();
        var closed = bed.Session.Connection.Closed;

        bed.Advance(1.1);

        (await closed.Soon()).Detail.Should().Be("bye");
    }

    private static async Task A_client_behind_a_black_hole_is_disposed_of_and_the_log_says_what_it_waited_for()
    {
        await using var bed = await new TestBed().StartAsync();
        var client = await bed.ConnectAsync();
        var closed = client.Connection!.Closed;
        bed.Network.BlackHole(Address);

        await client.DisposeAsync().AsTask().Soon();

        (await closed.Soon()).Detail.Should().Match("disposed; Connection *the peer has not sent its end*network.Advance(*");
        (await ToldAsync(bed)).Should().Contain("the peer has not sent its end");
    }

    private static async Task A_client_behind_a_black_hole_that_disconnects_fails_with_the_message()
    {
        await using var bed = await new TestBed(capacity: 16).StartAsync();
        var client = await bed.ConnectAsync();
        bed.Network.BlackHole(Address);
        _ = client.SendAsync(new byte[100]).AsTask();

        var disconnect = () => client.DisconnectAsync().Soon();

        (await disconnect.Should().ThrowAsync<TimeoutException>()).Which.Message.Should()
            .Match("*has not taken the last 85 bytes*network.Advance(*black hole*");
        client.State.Should().Be(ClientState.Disconnected);
        await client.DisposeAsync().AsTask().Soon();
    }

    private static async Task A_servers_stop_fails_with_the_message(string what, string expected)
    {
        var gate = Gate();
        var bed = await new TestBed().StartAsync((_, _) => new ValueTask(gate.Task));
        var peer = await bed.ConnectRawAsync();
        switch (what)
        {
            case "black hole":
                bed.Network.BlackHole(Address);
                break;
            case "waiting handler":
                await peer.SendAsync("x\n");
                break;
            case "waiting request":
                _ = bed.Session.Connection.RequestAsync("?").AsTask();
                break;
        }

        var stop = () => bed.Server.StopAsync().Soon();

        (await stop.Should().ThrowAsync<TimeoutException>()).Which.Message.Should()
            .StartWith("The stop waited for 1 of its connections. Connection ").And.Contain(expected);
        bed.Server.State.Should().Be(ServerState.Stopped);
        (await ToldAsync(bed)).Should().Contain(expected);
        await bed.Server.DisposeAsync().AsTask().Soon();
        gate.SetResult();
    }

    private static async Task A_connection_closed_against_a_raw_transport_ends_and_says_why()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        await bed.Session.Connection.CloseAsync("bye").AsTask().Soon();

        var reason = await bed.Session.Connection.Closed.Soon();

        (reason.Kind, reason.By).Should().Be((CloseKind.LocalClosed, CloseParty.Local));
        reason.Detail.Should().StartWith("bye; ").And.Contain("dispose of the raw transport");
    }

    [Fact]
    public async Task Advancing_a_network_whose_thread_a_handler_blocks_fails_with_the_message()
    {
        using var gate = new ManualResetEventSlim();
        await using var bed = await new TestBed().StartAsync((_, _) =>
        {
            gate.Wait(TestBed.Patience);
            return default;
        });
        bed.Network.Pump.Patience = TimeSpan.FromSeconds(0.3);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        var ran = false;

        bed.Network.Invoking(network => network.Run(() => ran = true)).Should().Throw<TimeoutException>().Which.Message.Should().Contain("blocks it");
        bed.Invoking(blocked => blocked.Advance(1)).Should().Throw<TimeoutException>();

        gate.Set();
        bed.Network.Pump.Patience = TestBed.Patience;
        bed.Network.Settle().Should().BeTrue();
        ran.Should().BeFalse("nobody waits for it any more");
        bed.Advance(1);
    }

    private static async Task<string> ToldAsync(TestBed bed) =>
        (await Eventually.SomeAsync(() => bed.Logs.GetSnapshot().SingleOrDefault(line => line.Id.Id == 39))).Message;
}
