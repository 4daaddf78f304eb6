using System.Net.Sockets;
using SocketKit.Connections;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>A wire is given back when nothing uses it any more: neither a send nor a receive that is under way.</summary>
[Trait("Fault", "X37")]
public class ReleaseTests
{
    public static TheoryData<string[]> Orders => new()
    {
        { ["abort", "receive", "send"] },
        { ["abort", "send", "receive"] },
        { ["receive", "send"] },
        { ["send", "receive"] },
    };

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task The_wire_is_released_behind_the_last_of_its_verbs(string[] order)
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();
        var sending = bed.Session.Connection.SendAsync("hello"u8.ToArray()).AsTask();
        wire.Sends.Should().ContainSingle();
        wire.Receives.Should().ContainSingle();

        foreach (var step in order)
        {
            wire.Disposed.Should().BeFalse($"{step} has not come yet");
            switch (step)
            {
                case "abort":
                    bed.Session.Connection.Abort();
                    wire.Aborted.Should().BeTrue();
                    break;
                case "receive":
                    wire.Receives.Single().SetException(new SocketException((int)SocketError.ConnectionReset));
                    break;
                default:
                    wire.Sends.Single().SetException(new SocketException((int)SocketError.ConnectionReset));
                    break;
            }
        }

        wire.Disposals.Should().Be(1);
        (await bed.Session.ClosedCall).Kind.Should().Be(order[0] == "abort" ? CloseKind.Aborted : CloseKind.PeerReset);
        wire.Sends.Should().ContainSingle("nothing is sent on a wire that has failed");
        wire.Receives.Should().ContainSingle("nothing is received from it either");
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default);
        await ((Connection)bed.Session.Connection).Ended.WaitAsync(TestBed.Patience);
        bed.Session.Events.Where(call => call == "closed").Should().ContainSingle();
    }

    [Fact]
    public async Task A_receive_that_fails_while_nothing_is_sent_releases_the_wire_once()
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();

        wire.Receives.Single().SetException(new SocketException((int)SocketError.ConnectionReset));

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.PeerReset);
        wire.Disposals.Should().Be(1, "its failure and the end of the loop both look whether it is time");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_connection_is_closed_for_others_only_when_the_wire_is_released(bool sendLast)
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync("hello"u8.ToArray()).AsTask();
        connection.Abort();

        var (first, last) = sendLast ? ((Action)EndReceive, (Action)EndSend) : (EndSend, EndReceive);
        first();
        connection.Closed.IsCompleted.Should().BeFalse();
        bed.Session.Events.Should().NotContain("closed");
        last();

        (await connection.Closed.WaitAsync(TestBed.Patience)).Kind.Should().Be(CloseKind.Aborted);
        await bed.Session.ClosedCall;

        void EndReceive() => wire.Receives.Single().SetException(new SocketException((int)SocketError.OperationAborted));
        void EndSend() => wire.Sends.Single().SetResult(true);
    }

    [Fact]
    public async Task The_wire_is_kept_while_the_handler_has_the_receive_loop()
    {
        var wire = new HeldWire();
        bool? released = null;
        await using var bed = await wire.StartAsync((connection, message) =>
        {
            _ = connection.CloseAsync().AsTask();
            released = wire.Disposed;
            return default;
        });

        wire.Give("close\n");

        released.Should().BeFalse("the loop is to look for the peer's end");
        wire.Disposed.Should().BeFalse();
        wire.GiveEnd();
        wire.Disposed.Should().BeTrue();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.LocalClosed);
    }

    [Fact]
    public async Task Nothing_is_received_from_a_wire_that_is_aborted()
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();
        wire.Receives.Single().SetResult(default);
        bed.Session.Connection.Abort();

        wire.Give("hello\n");

        wire.Receives.Should().HaveCount(2);
        wire.Disposed.Should().BeTrue();
    }

    [Fact]
    public async Task The_end_of_the_stream_is_not_sent_on_a_wire_that_is_aborted()
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync("hello"u8.ToArray()).AsTask();
        _ = connection.CloseAsync().AsTask();
        connection.Abort();

        wire.Sends.Single().SetResult(true);

        wire.Finishes.Should().Be(0);
        wire.Disposed.Should().BeFalse();
        wire.Receives.Single().SetException(new SocketException((int)SocketError.OperationAborted));
        wire.Disposed.Should().BeTrue();
    }
}
