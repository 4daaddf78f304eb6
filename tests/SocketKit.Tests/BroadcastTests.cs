using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests;

public class BroadcastTests
{
    [Fact]
    public async Task It_encodes_once_and_returns_how_many_were_queued()
    {
        var framer = new TestFramer();
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = framer);
        var peers = new List<RawPeer>();
        for (var i = 0; i < 10; i++)
        {
            peers.Add(await bed.ConnectRawAsync());
        }

        (await bed.Server.BroadcastAsync("news"u8.ToArray())).Should().Be(10);

        framer.Writes.Should().Be(1);
        foreach (var peer in peers)
        {
            (await peer.ReceiveAsync()).Should().Be("news\n");
        }

        (await bed.Server.BroadcastAsync("few"u8.ToArray(), bed.Sessions.Take(3).Select(session => session.Connection))).Should().Be(3);
        framer.Writes.Should().Be(2);
    }

    [Fact]
    public async Task Text_goes_out_in_the_encoding_of_the_options()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.TextEncoding = System.Text.Encoding.Latin1);
        await using var one = await bed.ConnectRawAsync();
        await using var two = await bed.ConnectRawAsync();

        (await bed.Server.BroadcastAsync("\u00e9")).Should().Be(2);
        (await bed.Server.BroadcastAsync("!", bed.Sessions.Take(1).Select(session => session.Connection))).Should().Be(1);

        (await one.ReceiveAsync(4)).Should().Be("\u00e9\n!\n", "it is read as Latin-1, too");
        (await two.ReceiveAsync(2)).Should().Be("\u00e9\n");
        bed.Server.TextEncoding.Should().Be(System.Text.Encoding.Latin1);
    }

    [Fact]
    public async Task Spans_and_texts_are_the_callers_again_at_once()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var bytes = Enumerable.Repeat((byte)'x', 70_000).ToArray();

        var waits = bed.Server.BroadcastAsync(bytes.AsSpan());
        bytes.AsSpan().Fill((byte)'!');
        waits.IsCompleted.Should().BeFalse("the recipient is full");

        (await peer.ReceiveAsync(70_001)).Should().Be(new string('x', 70_000) + "\n");
        (await waits.AsTask().Soon()).Should().Be(1);
        (await bed.Server.BroadcastAsync("few"u8, bed.Sessions.Select(session => session.Connection))).Should().Be(1);
        (await peer.ReceiveAsync(4)).Should().Be("few\n");
        await FluentActions.Awaiting(() => bed.Server.BroadcastAsync("a\nb"u8).AsTask()).Should().ThrowAsync<FramingException>();
    }

    [Fact]
    public async Task The_dead_and_the_unopened_are_left_out_without_an_exception()
    {
        await using var bed = new TestBed();
        await bed.StartAsync();
        await using var dead = await bed.ConnectRawAsync();
        await using var alive = await bed.ConnectRawAsync();
        var gate = Gate();
        bed.Listener.Opening = _ => new ValueTask(gate.Task);
        await using var opening = await bed.ConnectRawAsync();
        var all = bed.Sessions.Select(session => session.Connection).ToArray();
        all[0].Abort();

        (await bed.Server.BroadcastAsync("x"u8.ToArray(), all)).Should().Be(1);
        (await bed.Server.BroadcastAsync("x"u8.ToArray())).Should().Be(1);
        (await alive.ReceiveAsync(4)).Should().Be("x\nx\n");
        gate.SetResult();
    }

    [Fact]
    public async Task Nobody_to_send_to_is_zero_and_a_message_that_cannot_be_framed_throws()
    {
        await using var bed = await new TestBed().StartAsync();
        (await bed.Server.BroadcastAsync("x"u8.ToArray())).Should().Be(0);
        var broadcast = () => bed.Server.BroadcastAsync("a\nb"u8.ToArray()).AsTask();
        await broadcast.Should().ThrowAsync<FramingException>();
    }

    [Fact]
    public async Task A_full_recipient_is_waited_for_once_and_at_most_1_s()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var slow = await bed.ConnectRawAsync();
        await using var quick = await bed.ConnectRawAsync();
        var message = new byte[70_000];
        var quickly = quick.ReceiveAsync(70_001);

        var first = bed.Server.BroadcastAsync(message).AsTask();
        await quickly;
        first.IsCompleted.Should().BeFalse();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(1));
        bed.Advance(0.9);
        first.IsCompleted.Should().BeFalse();
        bed.Advance(0.2);
        (await first.Soon()).Should().Be(2);

        // It is above the mark still: nobody waits for it again.
        quickly = quick.ReceiveAsync(2);
        (await bed.Server.BroadcastAsync("x"u8.ToArray()).AsTask().Soon()).Should().Be(2);
        (await quickly).Should().Be("x\n");

        // It has caught up, and counts again.
        (await slow.ReceiveAsync(70_003)).Should().HaveLength(70_003);
        quickly = quick.ReceiveAsync(70_001);
        var third = bed.Server.BroadcastAsync(message).AsTask();
        await quickly;
        third.IsCompleted.Should().BeFalse();
        await slow.ReceiveAsync(70_001);
        (await third.Soon()).Should().Be(2);
    }

    [Fact]
    public async Task Cancelling_abandons_only_the_wait_and_the_death_of_the_recipient_ends_it()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var slow = await bed.ConnectRawAsync();
        using var cancel = new CancellationTokenSource();
        var first = bed.Server.BroadcastAsync(new byte[70_000], cancellationToken: cancel.Token).AsTask();
        cancel.Cancel();
        (await first.Soon()).Should().Be(1);
        (await slow.ReceiveAsync(70_001)).Should().HaveLength(70_001);

        var second = bed.Server.BroadcastAsync(new byte[70_000]).AsTask();
        second.IsCompleted.Should().BeFalse();
        bed.Session.Connection.Abort();
        (await second.Soon()).Should().Be(1);
    }

    [Fact]
    public async Task A_broadcast_from_a_handler_reaches_the_sender_in_its_batch()
    {
        await using var bed = await new TestBed().StartAsync(async (connection, message) => await connection.Server.BroadcastAsync(message));
        await using var one = await bed.ConnectRawAsync();
        await using var two = await bed.ConnectRawAsync();

        await one.SendAsync("a\nb\n");

        (await one.ReceiveAsync(4)).Should().Be("a\nb\n");
        (await two.ReceiveAsync(4)).Should().Be("a\nb\n");
        bed.Listener.Wires[0].Sends.Should().ContainSingle();
    }

    [Fact]
    public async Task Connections_of_another_server_are_sent_to_in_their_own_framing()
    {
        await using var lines = await new TestBed().StartAsync();
        await using var prefixed = await new TestBed().StartAsync(configure: options => options.Framer = Framers.LengthPrefixed(LengthField.OneByte));
        await using var one = await lines.ConnectRawAsync();
        await using var two = await prefixed.ConnectRawAsync();

        (await lines.Server.BroadcastAsync("x"u8.ToArray(), [lines.Session.Connection, prefixed.Session.Connection])).Should().Be(2);

        (await one.ReceiveAsync()).Should().Be("x\n");
        (await two.ReceiveAsync()).Should().Be("\u0001x");
    }
}
