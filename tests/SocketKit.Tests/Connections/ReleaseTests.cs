using System.Net.Sockets;
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
        await using var bed = await StartAsync(wire);
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

        await Eventually.TrueAsync(() => wire.Disposed);
        (await bed.Session.ClosedCall).Kind.Should().Be(order[0] == "abort" ? CloseKind.Aborted : CloseKind.PeerReset);
        wire.Sends.Should().ContainSingle("nothing is sent on a wire that has failed");
        wire.Receives.Should().ContainSingle("nothing is received from it either");
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_connection_is_closed_for_others_only_when_the_wire_is_released(bool sendLast)
    {
        var wire = new HeldWire();
        await using var bed = await StartAsync(wire);
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
        void EndSend() => wire.Sends.Single().SetResult();
    }

    private static async Task<TestBed> StartAsync(HeldWire wire)
    {
        var bed = await new TestBed().StartAsync(configure: options =>
        {
            options.Listeners.Clear();
            options.Listeners.Add(new OneWireListener(wire));
        });
        await Eventually.TrueAsync(() => bed.Sessions.Any(session => session.Events.Contains("connected")) && !wire.Receives.IsEmpty);
        return bed;
    }
}
