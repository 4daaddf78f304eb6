using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

// What flows through a connection: bytes, messages, handler calls, and what waits.
public partial class SocketKitMetricsTests
{
    [Fact]
    public async Task Bytes_and_messages_are_counted_in_both_directions()
    {
        using var bytes = new Metric<long>("socketkit.network.io", _name);
        using var messages = new Metric<long>("socketkit.network.messages", _name);
        await using var bed = await StartAsync(onMessage: (connection, message) => connection.SendAsync("ok"u8.ToArray()));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("one\ntwo\nthree\nfo");
        await peer.ReceiveAsync(9);
        bed.Network.Settle();

        Read(bytes).Should().Be((16, 9));
        Read(messages).Should().Be((3, 3));
        bytes.Instrument.Unit.Should().Be("By");
        messages.Instrument.Unit.Should().Be("{message}");

        // From another thread, and to all.
        await bed.Session.Connection.SendAsync("push"u8.ToArray());
        await bed.Server.BroadcastAsync("all"u8.ToArray());
        await peer.ReceiveAsync(9);
        bed.Network.Settle();

        Read(bytes).Should().Be((16, 18));
        Read(messages).Should().Be((3, 5));
    }

    [Fact]
    public async Task A_batch_that_the_wire_takes_piece_by_piece_is_counted_once_and_one_that_fails_by_what_was_taken()
    {
        using var bytes = new Metric<long>("socketkit.network.io", _name);
        using var messages = new Metric<long>("socketkit.network.messages", _name);
        await using var bed = await StartAsync(capacity: 1024);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[2999]).AsTask();
        await peer.ReceiveAsync(3000);
        bed.Network.Settle();
        Read(bytes).Sent.Should().Be(3000);
        Read(messages).Sent.Should().Be(1);

        _ = connection.SendAsync(new byte[4999]).AsTask();
        connection.Abort();
        await bed.Session.ClosedCall;

        Read(bytes).Sent.Should().Be(3000 + 1024);
        Read(messages).Sent.Should().Be(1);
    }

    [Fact]
    public async Task On_a_wire_that_keeps_messages_each_send_is_one()
    {
        using var messages = new Metric<long>("socketkit.network.messages", _name);
        await using var bed = new TestBed();
        var listener = new WatchedListener(bed.Network.Listen("datagrams")) { PreservesMessageBoundaries = true };
        await bed.StartAsync(configure: options =>
        {
            options.Name = _name;
            options.Listeners.Add(listener);
        });
        await using var peer = new RawPeer(await bed.Network.ConnectAsync("datagrams"));
        await peer.SendAsync("a\nb\nc\n");
        await peer.ReceiveAsync(6);
        bed.Network.Settle();

        Read(messages).Should().Be((3, 3));
        listener.Wire.Sends.Should().Equal(2, 2, 2);
    }

    [Fact]
    public async Task The_first_call_of_a_batch_is_timed()
    {
        using var duration = new Metric<double>("socketkit.handler.duration", _name);
        TestBed bed = null!;
        await using var started = bed = await StartAsync(onMessage: (_, _) =>
        {
            bed.Time.Advance(TimeSpan.FromMilliseconds(7));
            return default;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\nc\n");
        await peer.SendAsync("d\n");
        bed.Network.Settle();

        bed.Session.Messages.Should().Equal("a", "b", "c", "d");
        duration.All.Select(measurement => measurement.Value).Should().Equal(0.007, 0.007);
        duration.All[0].Tags.Should().NotContainKey("error.type");
        duration.Instrument.Unit.Should().Be("s");
    }

    [Fact]
    public async Task A_call_that_awaits_is_timed_to_its_end_and_each_call_that_follows_one_is_the_first_of_a_batch()
    {
        using var duration = new Metric<double>("socketkit.handler.duration", _name);
        var gates = new Queue<TaskCompletionSource>([new(), new()]);
        var waiting = gates.ToArray();
        await using var bed = await StartAsync(onMessage: async (_, _) => await gates.Dequeue().Task);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\n");
        bed.Advance(2);
        bed.Open(waiting[0]);
        bed.Advance(3);
        bed.Open(waiting[1]);

        duration.All.Select(measurement => measurement.Value).Should().Equal(2, 3);
    }

    [Fact]
    public async Task A_handler_that_fails_is_timed_with_what_it_threw()
    {
        using var duration = new Metric<double>("socketkit.handler.duration", _name);
        await using var bed = await StartAsync(onMessage: async (_, _) =>
        {
            await Task.Yield();
            throw new InvalidOperationException("no");
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\n");
        await peer.FinishAsync();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.HandlerFailed);
        await using var synchronous = await StartAsync(onMessage: (_, _) => throw new ArgumentException("no"));
        await using var other = await synchronous.ConnectRawAsync();
        await other.SendAsync("a\n");
        await other.FinishAsync();
        (await synchronous.Session.ClosedCall).Kind.Should().Be(CloseKind.HandlerFailed);

        duration.All.Select(measurement => measurement.Tags["error.type"]).Should().Equal("System.InvalidOperationException", "System.ArgumentException");
    }

    [Fact]
    public async Task What_waits_to_be_sent_and_the_buffers_that_hold_it_are_measured_when_somebody_asks()
    {
        using var queue = new Metric<long>("socketkit.send_queue.size", _name);
        using var buffers = new Metric<long>("socketkit.buffers.rented", _name);
        using var slow = new Metric<long>("socketkit.slow_consumers", _name);
        await using var bed = await StartAsync(capacity: 1024);
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        queue.Observe().Single().Value.Should().Be(0);
        buffers.Observe().Single().Value.Should().Be(0, "an idle connection holds none");

        _ = bed.Session.Connection.SendAsync(new byte[4999]).AsTask();
        _ = bed.Session.Connection.SendAsync(new byte[99]).AsTask();
        queue.Observe().Single().Value.Should().Be(5000 - 1024 + 100);
        buffers.Observe().Single().Value.Should().Be(2, "one is on the wire, one is filled");
        queue.Instrument.Unit.Should().Be("By");
        buffers.Instrument.Unit.Should().Be("{buffer}");

        bed.Advance(10.5);
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.SlowConsumer);
        slow.All.Sum(measurement => measurement.Value).Should().Be(1);
        queue.Observe().Single().Value.Should().Be(0);
        buffers.Observe().Single().Value.Should().Be(0);
    }

    [Fact]
    public async Task Messages_in_the_mailbox_hold_buffers()
    {
        using var buffers = new Metric<long>("socketkit.buffers.rented", _name);
        var gate = new TaskCompletionSource();
        await using var bed = await StartAsync(onMessage: async (_, _) => await gate.Task);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\nc\n");
        bed.Network.Settle();
        buffers.Observe().Single().Value.Should().Be(3, "the handler has one, two wait");
        bed.Open(gate);
        buffers.Observe().Single().Value.Should().Be(0);
    }

    private static (long Received, long Sent) Read(Metric<long> metric)
    {
        var all = metric.Observe();
        return (Of("receive"), Of("transmit"));

        long Of(string direction) => all.Single(measurement => measurement.Tags["network.io.direction"] as string == direction).Value;
    }
}
