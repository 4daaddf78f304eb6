using System.Globalization;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>Batches while something else goes on: the wire holds every verb, so each order is one that the test has chosen.</summary>
[Trait("Fault", "X37")]
public class CorkTests
{
    [Fact]
    public async Task What_a_drain_has_gathered_does_not_leave_with_a_receive()
    {
        var wire = new HeldWire();
        var gate = new TaskCompletionSource();
        int? sentMeanwhile = null;
        await using var bed = await wire.StartAsync(async (connection, message) =>
        {
            switch (message.Text())
            {
                case "1":
                    await gate.Task;
                    break;
                case "2":
                    _ = connection.SendAsync("a"u8.ToArray()).AsTask();

                    // On another thread, as an engine would: this one goes on with the mailbox.
                    Task.Run(() => wire.Give("4\n")).Wait(TestBed.Patience).Should().BeTrue();
                    sentMeanwhile = wire.Sends.Count;
                    break;
                default:
                    _ = connection.SendAsync("b"u8.ToArray()).AsTask();
                    break;
            }
        });
        wire.Give("1\n2\n3\n");

        gate.SetResult();

        await Eventually.TrueAsync(() => bed.Session.Messages.Count() == 4 && !wire.Sends.IsEmpty);
        sentMeanwhile.Should().Be(0);
        wire.Sends.Should().ContainSingle();
        wire.Sends.Single().SetResult(true);
        wire.Sends.Should().ContainSingle("all of the drain is one batch");
    }

    [Fact]
    public async Task A_drain_that_never_waits_gives_the_others_their_turn()
    {
        var wire = new HeldWire();
        var gate = new TaskCompletionSource();
        var left = 3_000;
        await using var bed = await wire.StartAsync(async (_, message) =>
        {
            if (message.Text() == "1")
            {
                await gate.Task;
            }

            // Each call has the next message come in behind it.
            if (left-- > 0)
            {
                Task.Run(() => wire.Give(left.ToString(CultureInfo.InvariantCulture) + "\n")).Wait(TestBed.Patience).Should().BeTrue();
            }
        });
        wire.Give("1\n2\n");
        var before = wire.Yields;

        gate.SetResult();

        await Eventually.TrueAsync(() => bed.Session.Messages.Count() == 3_002);
        (wire.Yields - before).Should().BeGreaterThanOrEqualTo(2);
    }

    [Fact]
    public async Task What_a_call_that_takes_long_has_sent_goes_out_by_the_clock_where_the_engine_does_not_tell()
    {
        var wire = new HeldWire();
        using var sent = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        await using var bed = await wire.StartAsync((connection, message) =>
        {
            _ = connection.SendAsync("working"u8.ToArray()).AsTask();
            sent.Set();
            go.Wait(TestBed.Patience);
            return default;
        });
        var working = Task.Run(() => wire.Give("work\n"));
        sent.Wait(TestBed.Patience).Should().BeTrue();
        wire.Sends.Should().BeEmpty("the batch goes on");

        bed.Time.Advance(TimeSpan.FromMilliseconds(100));

        wire.Sends.Should().ContainSingle();
        go.Set();
        await working.WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task A_sender_that_waits_for_room_goes_on_while_little_is_under_way()
    {
        var wire = new HeldWire();
        await using var bed = await wire.StartAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[60_000]).AsTask();
        var waiting = connection.SendAsync(new byte[20_000]).AsTask();
        waiting.IsCompleted.Should().BeFalse();

        wire.Sends.Single().SetResult(true);

        await waiting.WaitAsync(TestBed.Patience);
        wire.Sends.Should().HaveCount(2, "its own bytes are still on their way");
    }
}
