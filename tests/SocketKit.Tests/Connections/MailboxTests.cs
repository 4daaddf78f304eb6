using SocketKit.Connections;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>The mailbox's bounds, and what a full one does to the reading.</summary>
public class MailboxTests
{
    [Fact]
    public void It_takes_256_messages()
    {
        var mailbox = new Mailbox();
        for (var i = 0; i < 256; i++)
        {
            mailbox.HasRoomFor(10).Should().BeTrue();
            mailbox.Add(new byte[10]);
        }

        mailbox.HasRoomFor(0).Should().BeFalse();
        mailbox.Clear().Should().Be(256);
        mailbox.Count.Should().Be(0);
        mailbox.HasRoomFor(10).Should().BeTrue();
    }

    [Fact]
    public void It_takes_256_KiB_counting_whole_buffers()
    {
        var mailbox = new Mailbox();
        var messages = 0;
        while (mailbox.HasRoomFor(16 * 1024))
        {
            mailbox.Add(new byte[16 * 1024]);
            messages++;
        }

        messages.Should().Be(16);
    }

    [Fact]
    public void A_larger_message_is_let_in_alone()
    {
        var mailbox = new Mailbox();
        mailbox.HasRoomFor(1024 * 1024).Should().BeTrue();
        mailbox.Add(new byte[1024 * 1024]);
        mailbox.HasRoomFor(0).Should().BeFalse();
        mailbox.TryTake(out var message).Should().BeTrue();
        message.Count.Should().Be(1024 * 1024);
        mailbox.HasRoomFor(1024 * 1024).Should().BeTrue();
    }

    [Fact]
    public async Task A_full_one_stops_the_reading_and_all_messages_come_in_order_afterwards()
    {
        var gate = Gate();
        var seen = new List<string>();
        await using var bed = await new TestBed(capacity: 1024).StartAsync(async (_, message) =>
        {
            await gate.Task;
            seen.Add(message.Text());
        });
        await using var peer = await bed.ConnectRawAsync();
        var sending = peer.Transport.SendAsync(System.Text.Encoding.UTF8.GetBytes(Lines(10_000, 2_000)));
        bed.Network.Settle().Should().BeTrue();

        sending.IsCompleted.Should().BeFalse();

        // One is being handled, 256 wait, one is held; the rest of what was read lies in the receive buffer.
        bed.Listener.Wire.Received.Should().BeLessThan((258 * 6) + (16 * 1024));
        var before = bed.Listener.Wire.Receives.Count;
        bed.Advance(1);
        bed.Listener.Wire.Receives.Should().HaveCount(before);

        bed.Open(gate);
        await sending.AsTask().Soon();
        bed.Network.Settle();
        seen.Should().Equal(Enumerable.Range(10_000, 2_000).Select(number => $"{number}"));
    }

    [Fact]
    public async Task Bytes_bound_it_too()
    {
        var gate = Gate();
        var count = 0;
        await using var bed = await new TestBed(capacity: 1024).StartAsync(async (_, _) =>
        {
            await gate.Task;
            count++;
        });
        await using var peer = await bed.ConnectRawAsync();
        var sending = peer.Transport.SendAsync(System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(new string('x', 16_000) + "\n", 100))));
        bed.Network.Settle().Should().BeTrue();

        bed.Listener.Wire.Received.Should().BeInRange(256 * 1024, 20 * 16_001);

        bed.Open(gate);
        await sending.AsTask().Soon();
        bed.Network.Settle();
        count.Should().Be(100);
    }

    [Fact]
    public async Task The_reading_goes_on_when_half_of_it_is_worked_off()
    {
        using var steps = new SemaphoreSlim(0);
        await using var bed = await new TestBed(capacity: 1024).StartAsync((_, _) => new ValueTask(steps.WaitAsync()));
        await using var peer = await bed.ConnectRawAsync();
        var sending = peer.Transport.SendAsync(System.Text.Encoding.UTF8.GetBytes(Lines(10_000, 2_000)));
        bed.Network.Settle().Should().BeTrue();
        var before = bed.Listener.Wire.Receives.Count;

        // The one that is handled, and 126 of 256 that wait.
        bed.Network.Run(() => steps.Release(127));
        await Eventually.TrueAsync(() => bed.Session.Messages.Count() == 128);
        bed.Network.Settle().Should().BeTrue();
        bed.Listener.Wire.Receives.Should().HaveCount(before);

        bed.Network.Run(() => steps.Release(2));
        await Eventually.TrueAsync(() => bed.Listener.Wire.Receives.Count > before);
        bed.Session.Messages.Count().Should().BeLessThan(140, "most of it waits still");

        bed.Session.Connection.Abort();
        steps.Release(10_000);
        GC.KeepAlive(sending);
    }

    [Fact]
    public async Task A_message_that_waits_for_room_is_read_once_since_a_framer_may_rewrite_it()
    {
        var gate = Gate();
        var seen = new List<string>();
        var framer = new TestFramer
        {
            OnRead = (input, resume) =>
            {
                var frame = Framers.Lines().Read(input, resume);
                if (frame.Kind == FrameKind.Message)
                {
                    input[..frame.Length].Reverse();
                }

                return frame;
            },
        };
        await using var bed = await new TestBed().StartAsync(
            async (_, message) =>
            {
                await gate.Task;
                seen.Add(message.Text());
            },
            options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(Lines(10_000, 600));

        bed.Open(gate);

        seen.Should().Equal(Enumerable.Range(10_000, 600).Select(number => new string([.. $"{number}".Reverse()])));
    }

    [Fact]
    public async Task A_message_that_does_not_fit_a_half_empty_one_waits_without_spinning()
    {
        var gate = Gate();
        var seen = new List<int>();
        await using var bed = await new TestBed().StartAsync(async (_, message) =>
        {
            await gate.Task;
            seen.Add(message.Length);
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("1\n");
        await peer.SendAsync(new string('x', 100_000) + "\n");
        await peer.SendAsync(new string('y', 200_000) + "\n");

        bed.Network.Settle().Should().BeTrue("nothing happens while the handler waits");
        bed.Open(gate);
        seen.Should().Equal(1, 100_000, 200_000);
    }

    [Fact]
    public async Task What_waits_in_it_at_an_abort_is_discarded_and_counted()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync((_, _) => new ValueTask(gate.Task));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(Lines(0, 8));

        bed.Session.Connection.Abort();
        bed.Open(gate);

        var reason = await bed.Session.ClosedCall;
        reason.DiscardedMessages.Should().Be(7);
        reason.ToString().Should().Contain("(7 received messages discarded)");
        bed.Session.Messages.Should().Equal("0");
        (await bed.Session.Connection.Closed).DiscardedMessages.Should().Be(7);
    }
}
