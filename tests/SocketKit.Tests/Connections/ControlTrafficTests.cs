using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>Heartbeats and responses while a handler is asynchronous: they are not hostage to it.</summary>
public class ControlTrafficTests
{
    [Fact]
    public async Task Connected_may_await_a_request_on_its_own_connection()
    {
        string? answer = null;
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler
        {
            Connected = async connection =>
            {
                using var response = await connection.RequestAsync("who?");
                answer = response.ToString();
            },
        });
        await using var peer = await bed.ConnectRawAsync();
        (await peer.ReceiveAsync()).Should().Be("who?\n");

        await peer.SendAsync("me\n");

        answer.Should().Be("me");
        bed.Server.Connections.Should().ContainSingle();
    }

    [Fact]
    public async Task A_message_handler_may_await_a_request_on_its_own_connection_and_the_response_overtakes_queued_messages()
    {
        var calls = new List<string>();
        await using var bed = await new TestBed().StartAsync(
            async (connection, message) =>
            {
                calls.Add(message.Text());
                if (message.Text() == "ask")
                {
                    using var response = await connection.RequestAsync("?", new() { CorrelationId = 7 });
                    calls.Add(response.ToString());
                }
            },
            options => options.ReadCorrelationId = message => message.StartsWith("id7 "u8) ? ResponseMatch.Id(7) : ResponseMatch.None);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("ask\nqueued 1\nqueued 2\n");
        (await peer.ReceiveAsync()).Should().Be("?\n");
        calls.Should().Equal("ask");

        await peer.SendAsync("queued 3\nid7 here\n");

        calls.Should().Equal("ask", "id7 here", "queued 1", "queued 2", "queued 3");
    }

    [Fact]
    public async Task Heartbeats_are_answered_while_a_handler_waits()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(
            (_, _) => new ValueTask(gate.Task), options => options.Heartbeat = PingPongHeartbeat.AnswerOnly("ping", "pong"));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("work\nmore\n");

        await peer.SendAsync("ping\n");

        (await peer.ReceiveAsync()).Should().Be("pong\n");
        bed.Open(gate);
        bed.Session.Messages.Should().Equal("work", "more");
    }

    [Fact]
    public async Task A_full_mailbox_holds_control_traffic_back_and_the_request_time_out_says_so()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync(
            (_, _) => new ValueTask(gate.Task),
            options => options.RequestTimeout = TimeSpan.FromSeconds(5));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        await peer.SendAsync(Lines(0, 300));
        var request = connection.RequestAsync("?").AsTask();
        await peer.SendAsync("answer\n");

        bed.Advance(5.2);

        var thrown = await request.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        thrown.Which.MailboxWasFull.Should().BeTrue();
        thrown.Which.Message.Should().Contain("the mailbox was full");
        thrown.Which.Timeout.Should().Be(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_request_that_times_out_with_room_in_the_mailbox_says_that_it_was_not_full()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var request = bed.Session.Connection.RequestAsync("?").AsTask();

        bed.Advance(29.8);
        request.IsCompleted.Should().BeFalse();
        bed.Advance(0.4);

        var thrown = await request.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        thrown.Which.MailboxWasFull.Should().BeFalse();
        thrown.Which.Timeout.Should().Be(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Heartbeats_never_reach_the_handler_and_do_not_count_as_responses()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = new BeaconHeartbeat("beat"));
        await using var peer = await bed.ConnectRawAsync();
        var request = bed.Session.Connection.RequestAsync("?").AsTask();
        await peer.SendAsync("beat\nbeat\nanswer\nbeat\npush\n");

        using var response = await request.Soon();
        response.ToString().Should().Be("answer");
        bed.Session.Messages.Should().Equal("push");
    }
}
