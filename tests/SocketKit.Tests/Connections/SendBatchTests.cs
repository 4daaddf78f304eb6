using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>One send per read batch: the cork, and what lifts it.</summary>
public class SendBatchTests
{
    [Fact]
    public async Task All_replies_to_one_read_batch_go_out_in_one_send()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync(Lines(0, 1000));
        await peer.SendAsync(Lines(0, 10));

        bed.Listener.Wire.Sends.Should().Equal(Lines(0, 1000).Length, Lines(0, 10).Length);
        (await peer.ReceiveAsync(Lines(0, 1000).Length)).Should().Be(Lines(0, 1000));
    }

    [Fact]
    public async Task Several_sends_of_one_call_and_of_Connected_share_it()
    {
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler
        {
            Connected = async connection =>
            {
                await connection.SendAsync("hello");
                await connection.SendAsync("there");
            },
            Message = async (connection, message) =>
            {
                await connection.SendAsync(message);
                connection.TrySend(message).Should().BeTrue();
            },
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("ab\nc\n");

        bed.Listener.Wire.Sends.Should().Equal(12, 10);
        (await peer.ReceiveAsync(22)).Should().Be("hello\nthere\nab\nab\nc\nc\n");
    }

    [Fact]
    public async Task Above_256_KiB_the_batch_goes_out_early_and_no_call_waits_for_room()
    {
        var waited = false;
        await using var bed = await new TestBed(capacity: 1024 * 1024).StartAsync((connection, _) =>
        {
            var send = connection.SendAsync(new string('x', 100_000));
            waited |= !send.IsCompleted;
            return send;
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("1\n2\n3\n4\n");

        bed.Listener.Wire.Sends.Should().Equal(3 * 100_001, 100_001);
        waited.Should().BeFalse();
    }

    [Fact]
    public async Task With_a_low_send_limit_the_batch_goes_out_above_64_KiB()
    {
        await using var bed = await new TestBed(capacity: 1024 * 1024).StartAsync((connection, _) => connection.SendAsync(new string('x', 30_000)), options => options.MaxQueuedBytes = 100_000);
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("1\n2\n3\n4\n");

        bed.Listener.Wire.Sends.Should().Equal(3 * 30_001, 30_001);
    }

    [Fact]
    public async Task In_a_batch_TrySend_takes_more_than_64_KiB_until_the_wire_is_full()
    {
        var taken = new List<bool>();
        await using var bed = await new TestBed(capacity: 150_000).StartAsync((connection, _) =>
        {
            taken.AddRange(Enumerable.Range(0, 5).Select(_ => connection.TrySend(new string('x', 100_000))));
            return default;
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("go\n");

        // The third fills the batch, which the wire does not take whole; what comes after it would wait.
        taken.Should().Equal(true, true, true, false, false);
    }

    [Fact]
    public async Task A_handler_found_incomplete_lifts_it()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await connection.SendAsync("first " + message.Text());
            if (message.Text() == "b")
            {
                await gate.Task;
                await connection.SendAsync("second " + message.Text());
            }
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("a\nb\nc\nd\n");

        bed.Listener.Wire.Sends.Should().Equal("first a\nfirst b\n".Length);
        bed.Open(gate);
        bed.Listener.Wire.Sends.Should().HaveCount(3, "what an asynchronous continuation sends goes out at once, and the mailbox is worked off as one batch");
        (await peer.ReceiveAsync(41)).Should().Be("first a\nfirst b\nsecond b\nfirst c\nfirst d\n");
    }

    [Fact]
    public async Task An_exception_out_of_the_batch_lifts_it()
    {
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await connection.SendAsync(message);
            if (message.Text() == "c")
            {
                throw new FormatException("c");
            }
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("a\nb\nc\nd\n");

        (await peer.ReceiveToEndAsync()).Should().Be("a\nb\nc\n");
        bed.Listener.Wire.Sends.Should().ContainSingle();
    }

    [Fact]
    public async Task A_framing_error_behind_good_messages_lifts_it_too()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = Framers.Lines(LineEnding.Lf));
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("a\nb\n\rnonsense\n");

        (await peer.ReceiveToEndAsync()).Should().Be("a\nb\n");
    }

    [Fact]
    public async Task After_an_abort_in_a_handler_nothing_of_the_batch_goes_out()
    {
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await connection.SendAsync(message);
            if (message.Text() == "b")
            {
                connection.Abort();
            }
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("a\nb\nc\n");

        bed.Listener.Wire.Sends.Should().BeEmpty();
        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.Aborted);
        reason.UnsentBytes.Should().Be(4);
        bed.Session.Messages.Should().Equal("a", "b");
    }

    [Fact]
    public async Task Sends_to_another_connection_are_not_corked()
    {
        var sendsAtOnce = -1;
        WatchedListener? listener = null;
        await using var bed = await new TestBed().StartAsync(async (connection, _) =>
        {
            var other = connection.Server.Connections.Single(other => other != connection);
            await other.SendAsync("news");
            sendsAtOnce = listener!.Wires[0].Sends.Count;
        });
        listener = bed.Listener;
        await using var other = await bed.ConnectRawAsync();
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("x\n");

        sendsAtOnce.Should().Be(1);
        (await other.ReceiveAsync()).Should().Be("news\n");
    }

    [Fact]
    public async Task Requests_and_sends_from_other_threads_are_not_corked()
    {
        WatchedListener? listener = null;
        var sends = new List<int>();
        Thread? thread = null;
        await using var bed = await new TestBed().StartAsync((connection, message) =>
        {
            _ = connection.SendAsync("corked").AsTask();
            sends.Add(listener!.Wire.Sends.Count);
            if (message.Text() == "request")
            {
                _ = connection.RequestAsync("request").AsTask();
            }
            else
            {
                var done = new ManualResetEventSlim();
                thread = new Thread(() =>
                {
                    var sending = connection.SendAsync("from a thread");
                    done.Set();
                    sending.AsTask().Wait();
                });
                listener.Wire.Sending = done.Set;
                thread.Start();
                done.Wait(TestBed.Patience).Should().BeTrue();
            }

            sends.Add(listener.Wire.Sends.Count);
            return default;
        });
        listener = bed.Listener;
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("request\n");
        sends.Should().Equal(0, 1);
        await peer.SendAsync("the response\n");
        await peer.SendAsync("thread\n");
        thread!.Join(TestBed.Patience).Should().BeTrue();
        sends.Should().Equal(0, 1, 1, 2);
    }

    [Fact]
    public async Task Messages_of_many_threads_never_interleave_and_keep_each_threads_order()
    {
        const int Threads = 8;
        const int Count = 500;
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var receiving = peer.ReceiveAsync(Threads * Count * 10);

        var senders = Enumerable.Range(0, Threads).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                await connection.SendAsync($"{sender:00} {i:000000}");
            }
        }));
        await Task.WhenAll(senders).Soon();

        var lines = (await receiving).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Should().HaveCount(Threads * Count);
        foreach (var group in lines.GroupBy(line => line[..2]))
        {
            group.Select(line => int.Parse(line[3..], System.Globalization.CultureInfo.InvariantCulture)).Should().Equal(Enumerable.Range(0, Count));
        }

        bed.Listener.Wire.Violations.Should().Be(0);
    }

    [Fact]
    public async Task On_a_wire_that_keeps_messages_one_send_is_one_message()
    {
        await using var bed = new TestBed();
        await bed.StartAsync((connection, message) => connection.SendAsync(message), options => options.Framer = Framers.Raw());
        bed.Listener.PreservesMessageBoundaries = true;
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;

        await peer.SendAsync("abc");
        bed.Network.Run(() =>
        {
            _ = connection.SendAsync("de").AsTask();
            _ = connection.SendAsync("").AsTask();
            _ = connection.SendAsync("f").AsTask();
        });

        bed.Listener.Wire.Sends.Should().Equal(3, 2, 0, 1);
    }

    [Fact]
    public async Task On_a_wire_that_keeps_messages_a_message_that_ends_inside_a_frame_breaks_the_protocol()
    {
        await using var bed = new TestBed();
        await bed.StartAsync();
        bed.Listener.PreservesMessageBoundaries = true;
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("whole\nhalf");
        await peer.FinishAsync();

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.ProtocolError);
        reason.Detail.Should().Be("a message of the transport ended inside a frame: 4 bytes without a line end");
        bed.Session.Messages.Should().Equal("whole");
    }
}
