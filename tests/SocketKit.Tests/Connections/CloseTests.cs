using System.Net.Sockets;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>How connections end: the first cause, the end of input, graceful and abrupt closes.</summary>
public class CloseTests
{
    [Fact]
    public async Task The_end_of_the_stream_ends_only_the_input_handlers_finish_and_replies_go_out()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await gate.Task;
            await connection.SendAsync(message);
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\nc\n");
        await peer.FinishAsync();
        bed.Advance(5);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();

        bed.Open(gate);

        (await peer.ReceiveToEndAsync()).Should().Be("a\nb\nc\n");
        var reason = await bed.Session.ClosedCall;
        reason.Should().Be(new CloseReason(CloseKind.PeerClosed, ClosePhase.Open, CloseParty.Peer, null, null));
        bed.Session.Events.Should().Equal("connected", "a", "b", "c", "closed");
    }

    [Theory]
    [Trait("Fault", "F02")]
    [InlineData("x", "1 byte without a line end")]
    [InlineData("whole\nhalf", "4 bytes without a line end")]
    public async Task Bytes_left_over_make_it_Truncated_and_say_what_was_missing(string sent, string detail)
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(sent);
        await peer.FinishAsync();

        var reason = await bed.Session.ClosedCall;

        reason.Should().Be(new CloseReason(CloseKind.Truncated, ClosePhase.Open, CloseParty.Peer, detail, null));
        reason.ToString().Should().Be($"Truncated by Peer while Open: {detail}");
    }

    [Fact]
    [Trait("Fault", "F02")]
    public async Task Every_prefix_of_a_frame_and_then_the_end_is_truncated_and_delivers_nothing_partial()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = Framers.LengthPrefixed(LengthField.FourBytes));
        var frame = new byte[] { 0, 0, 0, 5 }.Concat("hello"u8.ToArray()).ToArray();
        for (var length = 0; length <= frame.Length; length++)
        {
            await using var peer = await bed.ConnectRawAsync();
            if (length > 0)
            {
                await peer.SendAsync([.. frame, .. frame[..length]]);
            }

            await peer.FinishAsync();
            var session = bed.Sessions.Last();
            var reason = await session.ClosedCall;
            reason.Kind.Should().Be(length is 0 or 9 ? CloseKind.PeerClosed : CloseKind.Truncated, "{0} bytes came", length);
            session.Messages.Should().Equal(Enumerable.Repeat("hello", length == 0 ? 0 : length == 9 ? 2 : 1));
            (await peer.ReceiveToEndAsync()).Should().HaveLength(length == 0 ? 0 : length == 9 ? 18 : 9);
        }
    }

    [Fact]
    public async Task A_close_sends_the_queue_and_the_end_and_discards_what_still_comes()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new string('x', 5000)).AsTask();
        var closing = connection.CloseAsync("good night").AsTask();
        closing.IsCompleted.Should().BeFalse();
        await peer.SendAsync("too late\n");

        (await peer.ReceiveToEndAsync()).Should().Be(new string('x', 5000) + "\n");
        await closing.Soon();
        connection.Closed.IsCompleted.Should().BeFalse("the peer has not finished");
        await peer.SendAsync("and later\n");
        await peer.FinishAsync();

        var reason = await bed.Session.ClosedCall;
        reason.Should().Be(new CloseReason(CloseKind.LocalClosed, ClosePhase.Open, CloseParty.Local, "good night", null));
        bed.Session.Messages.Should().BeEmpty();
        bed.Listener.Wire.Aborted.Should().BeFalse("a reset would destroy what is on its way");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_graceful_close_ends_at_the_close_deadline_whether_the_peer_reads_or_not(bool reads)
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[reads ? 10 : 5000]).AsTask();
        var closing = connection.CloseAsync().AsTask();
        closing.IsCompleted.Should().Be(reads);

        bed.Advance(0.8);
        connection.Closed.IsCompleted.Should().BeFalse();
        bed.Advance(0.3);

        await closing.Soon();
        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.LocalClosed);
        reason.UnsentBytes.Should().Be(reads ? 0 : 5001 - 1024);
        bed.Listener.Wire.Aborted.Should().BeTrue();
    }

    [Theory]
    [Trait("Fault", "F13")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_protocol_error_closes_within_1_s_also_when_the_peer_reads_nothing(bool reads)
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync((connection, _) => connection.SendAsync(new byte[reads ? 1 : 5000]));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("ask\n\rrubbish\n");

        bed.Advance(1.1);

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.ProtocolError);
        reason.By.Should().Be(CloseParty.Peer);
        reason.Detail.Should().Be("A CR without LF after it");
    }

    [Fact]
    public async Task After_a_protocol_error_the_replies_before_it_still_go_out_and_input_is_discarded()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("good\n\rbad\n");
        await peer.SendAsync("more\n");

        (await peer.ReceiveToEndAsync()).Should().Be("good\n");
        await peer.FinishAsync();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.ProtocolError);
        bed.Session.Messages.Should().Equal("good");
    }

    [Fact]
    public async Task An_abort_is_immediate_idempotent_and_resets_the_peer()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[5000]).AsTask();

        connection.Abort();
        connection.Abort();

        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.Aborted);
        var receive = () => peer.ReceiveToEndAsync();
        (await receive.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
        connection.Abort();
        await connection.CloseAsync().AsTask().Soon();
    }

    [Fact]
    public async Task An_abort_cuts_a_graceful_close_short_and_the_first_cause_stays()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[5000]).AsTask();
        var closing = connection.CloseAsync("first").AsTask();

        connection.Abort();

        await closing.Soon();
        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.LocalClosed);
        reason.Detail.Should().Be("first");
    }

    [Fact]
    public async Task The_first_cause_of_death_wins()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => throw new FormatException("second"));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        bed.Network.Run(() =>
        {
            _ = connection.CloseAsync("first").AsTask();
            _ = connection.CloseAsync("second").AsTask();
            _ = peer.Transport.SendAsync("x\n"u8.ToArray()).AsTask();
        });
        bed.Network.Reset(connection.RemoteEndPoint!);

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.LocalClosed);
        reason.Detail.Should().Be("first");
        (await connection.Closed).Should().Be(reason);
    }

    [Fact]
    public async Task A_handler_may_await_the_close_of_its_own_connection()
    {
        var after = false;
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await connection.SendAsync(message);
            await connection.CloseAsync("bye");
            after = true;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("quit\nignored\n");

        (await peer.ReceiveToEndAsync()).Should().Be("quit\n");
        after.Should().BeTrue();
        await peer.FinishAsync();
        (await bed.Session.ClosedCall).Detail.Should().Be("bye");
        bed.Session.Messages.Should().Equal("quit");
    }

    [Fact]
    public async Task Cancelling_a_close_abandons_only_the_wait()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        _ = connection.SendAsync(new byte[5000]).AsTask();
        using var cancel = new CancellationTokenSource();
        var closing = connection.CloseAsync(null, cancel.Token).AsTask();
        cancel.Cancel();

        await closing.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        (await peer.ReceiveToEndAsync()).Should().HaveLength(5001);
    }

    [Fact]
    public async Task A_reset_is_the_peers()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Reset(bed.Session.Connection.RemoteEndPoint!);

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.PeerReset);
        reason.By.Should().Be(CloseParty.Peer);
        reason.Exception.Should().BeOfType<SocketException>();
    }

    [Fact]
    public async Task Closed_completes_when_the_wire_is_released_and_before_the_closing_call_returns()
    {
        var gate = Gate();
        var completed = false;
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler
        {
            Closed = async (connection, _) =>
            {
                completed = connection.Closed.IsCompleted;
                await gate.Task;
            },
        });
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Server.Connections.Single();
        connection.ClosedToken.IsCancellationRequested.Should().BeFalse();
        await peer.FinishAsync();
        bed.Network.Settle();

        completed.Should().BeTrue();
        bed.Listener.Wire.Disposed.Should().BeTrue();
        bed.Listener.Wire.Violations.Should().Be(0);
        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.PeerClosed);
        connection.ClosedToken.IsCancellationRequested.Should().BeTrue();
        bed.Open(gate);
    }

    [Fact]
    public async Task A_token_first_taken_after_the_end_is_cancelled()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        connection.Abort();
        await connection.Closed.Soon();

        connection.ClosedToken.IsCancellationRequested.Should().BeTrue();
    }
}
