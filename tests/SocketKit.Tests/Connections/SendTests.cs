using System.Buffers;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>Copy first, then wait: back-pressure, limits, and what failing senders get.</summary>
public class SendTests
{
    private const int Capacity = 1024;

    [Fact]
    public async Task The_bytes_are_copied_before_the_call_returns()
    {
        await using var bed = await new TestBed(Capacity).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var filler = new string('x', 5000);
        _ = connection.SendAsync(filler).AsTask();
        var buffer = "right"u8.ToArray();

        _ = connection.SendAsync((ReadOnlyMemory<byte>)buffer).AsTask();
        buffer.AsSpan().Fill((byte)'!');

        (await peer.ReceiveAsync(5001 + 6)).Should().Be(filler + "\nright\n");
    }

    [Fact]
    public async Task Below_the_high_water_mark_a_send_is_complete_at_once_and_above_it_waits_for_room()
    {
        await using var bed = await new TestBed(Capacity).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;

        // The wire takes the first 1,024 bytes.
        connection.SendAsync(new byte[60_000]).Now();
        var waits = connection.SendAsync(new byte[10_000]).AsTask();
        waits.IsCompleted.Should().BeFalse();
        connection.TrySend(new byte[1]).Should().BeFalse();

        await peer.ReceiveAsync(3_000);
        bed.Network.Settle();
        connection.TrySend(new byte[1]).Should().BeFalse();

        await peer.ReceiveAsync(67_000);
        await waits.Soon();
        connection.TrySend(new byte[1]).Should().BeTrue();
    }

    [Fact]
    public async Task Cancelling_abandons_only_the_wait()
    {
        await using var bed = await new TestBed(Capacity).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        using var cancel = new CancellationTokenSource();
        var waits = bed.Session.Connection.SendAsync(Enumerable.Repeat((byte)'x', 100_000).ToArray(), cancel.Token).AsTask();
        waits.IsCompleted.Should().BeFalse();

        cancel.Cancel();

        await waits.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        (await peer.ReceiveAsync(100_001)).Should().Be(new string('x', 100_000) + "\n");
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    [Trait("Fault", "B03")]
    public async Task A_cancelled_wait_a_close_and_a_send_afterwards_leave_whole_messages_on_the_wire()
    {
        await using var bed = await new TestBed(Capacity).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();
        var cancelled = connection.SendAsync(new string('a', 100_000), cancel.Token).AsTask();
        var pending = connection.SendAsync(new string('b', 10_000)).AsTask();
        cancel.Cancel();
        var closing = connection.CloseAsync("enough").AsTask();

        var late = () => connection.SendAsync("late").AsTask();
        (await late.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.LocalClosed);
        connection.TrySend("late").Should().BeFalse();

        (await peer.ReceiveToEndAsync()).Should().Be(new string('a', 100_000) + "\n" + new string('b', 10_000) + "\n");
        await closing.Soon();
        await pending.Soon();
        await cancelled.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        bed.Listener.Wire.Violations.Should().Be(0);
    }

    [Fact]
    [Trait("Fault", "B03")]
    public async Task An_abort_fails_every_waiting_sender_with_the_reason_and_counts_what_is_unsent()
    {
        await using var bed = await new TestBed(Capacity).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var waits = Enumerable.Range(0, 5).Select(_ => connection.SendAsync(new byte[100_000]).AsTask()).ToArray();
        waits.Should().OnlyContain(task => !task.IsCompleted);

        connection.Abort();

        foreach (var wait in waits)
        {
            var thrown = await wait.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>();
            thrown.Which.Reason.Kind.Should().Be(CloseKind.Aborted);
            thrown.Which.Reason.UnsentBytes.Should().Be(500_005 - Capacity);
        }

        var reason = await connection.Closed.Soon();
        reason.UnsentBytes.Should().Be(500_005 - Capacity);
        reason.ToString().Should().Contain("bytes unsent");
    }

    [Fact]
    public async Task A_flush_that_fails_ends_the_connection_and_fails_the_waiting_senders()
    {
        await using var bed = await new TestBed(Capacity).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        bed.Listener.Wire.SendFailure = new IOException("cable cut");

        await connection.SendAsync("lost").AsTask().Soon();

        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.TransportFailed);
        reason.By.Should().Be(CloseParty.Network);
        reason.Exception!.Message.Should().Be("cable cut");
        reason.UnsentBytes.Should().Be(5);
    }

    [Fact]
    [Trait("Fault", "B02")]
    public async Task Unawaited_sends_end_at_the_limit_as_SlowConsumer_and_memory_stays_bounded()
    {
        await using var bed = await new TestBed(Capacity).StartAsync(configure: options => options.MaxQueuedBytes = 256 * 1024);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var sent = 0;
        var thrown = Assert.Throws<ConnectionClosedException>(() =>
        {
            for (; sent < 100_000; sent++)
            {
                _ = connection.SendAsync(new byte[999]).AsTask();
            }
        });

        thrown.Reason.Kind.Should().Be(CloseKind.SlowConsumer);
        thrown.Reason.By.Should().Be(CloseParty.Peer);
        thrown.Reason.Detail.Should().Contain("ConnectionOptions.MaxQueuedBytes");
        sent.Should().BeInRange(262, 265);
        (await connection.Closed.Soon()).UnsentBytes.Should().Be((sent * 1000) - Capacity);
    }

    [Fact]
    [Trait("Fault", "B02")]
    public async Task A_producer_that_awaits_is_slowed_to_the_peers_pace_and_the_queue_stays_at_the_mark()
    {
        await using var bed = await new TestBed(Capacity).StartAsync(configure: options => options.MaxQueuedBytes = 128 * 1024);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        long accepted = 0;
        var producing = Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                await connection.SendAsync(new byte[999]);
                Interlocked.Add(ref accepted, 1000);
            }
        });

        long received = 0;
        var most = 0L;
        while (received < 500_000)
        {
            received += (await peer.ReceiveAsync(1000)).Length;
            most = Math.Max(most, Interlocked.Read(ref accepted) - received);
        }

        await producing.Soon();
        most.Should().BeLessThan((64 * 1024) + Capacity + 3000);
        connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task One_message_larger_than_the_limit_is_let_in_alone()
    {
        await using var bed = await new TestBed(Capacity).StartAsync(configure: options => options.MaxQueuedBytes = 64 * 1024);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var large = connection.SendAsync(new byte[300_000]).AsTask();
        (await peer.ReceiveAsync(300_001)).Should().HaveLength(300_001);
        await large.Soon();

        _ = connection.SendAsync(new byte[300_000]).AsTask();
        var second = () => connection.SendAsync(new byte[1]).AsTask();
        (await second.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(CloseKind.SlowConsumer);
    }

    [Fact]
    public async Task A_framers_Write_that_throws_leaves_nothing_behind()
    {
        var framer = new TestFramer
        {
            OnWrite = (message, output) =>
            {
                Framers.Lines().Write(message.AsSpan(0, message.Length / 2), output);
                if (message.Length > 3)
                {
                    output.GetSpan(100_000);
                    throw new FramingException("too long for me");
                }

                output.Write("|"u8);
            },
        };
        await using var bed = await new TestBed().StartAsync((_, _) => default, options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;

        await connection.SendAsync("ab");
        var refused = () => connection.SendAsync("abcdef").AsTask();
        await refused.Should().ThrowAsync<FramingException>().WithMessage("too long for me");
        connection.TrySend("abcdef").Should().BeFalse();
        await refused.Should().ThrowAsync<FramingException>();
        var request = () => connection.RequestAsync("abcdef").AsTask();
        await request.Should().ThrowAsync<FramingException>();
        await connection.SendAsync("cd");

        (await peer.ReceiveAsync(6)).Should().Be("a\n|c\n|");
        connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task A_request_whose_framing_failed_does_not_shift_the_responses_of_others()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var first = connection.RequestAsync("1").AsTask();
        var bad = () => connection.RequestAsync("a\nb").AsTask();
        await bad.Should().ThrowAsync<FramingException>();
        var second = connection.RequestAsync("2").AsTask();

        await peer.SendAsync("one\ntwo\n");

        (await first.Soon()).ToString().Should().Be("one");
        (await second.Soon()).ToString().Should().Be("two");
    }
}
