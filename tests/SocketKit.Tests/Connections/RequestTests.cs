using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>Requests whose responses come in order.</summary>
public class RequestTests
{
    [Fact]
    public async Task Each_message_answers_the_oldest_request_and_further_ones_reach_the_handler()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        await peer.SendAsync("before\n");
        var requests = Enumerable.Range(0, 3).Select(number => connection.RequestAsync($"{number}").AsTask()).ToArray();
        (await peer.ReceiveAsync(7 + 6)).Should().Be("before\n0\n1\n2\n");

        await peer.SendAsync("a\nb\nc\nafter\n");

        var responses = await Task.WhenAll(requests).Soon();
        responses.Select(response => response.ToString()).Should().Equal("a", "b", "c");
        bed.Session.Messages.Should().Equal("before", "after");
    }

    [Fact]
    public async Task A_late_response_fills_its_tombstone_is_counted_and_never_reaches_the_wrong_caller()
    {
        using var late = new MeterCount("socketkit.request.late_responses");
        await using var bed = await new TestBed().StartAsync(configure: options => options.RequestTimeout = TimeSpan.FromSeconds(2));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var first = connection.RequestAsync("1").AsTask();
        bed.Advance(2.2);
        await first.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        var second = connection.RequestAsync("2").AsTask();
        var before = late.Count;

        await peer.SendAsync("answer to 1\n");
        second.IsCompleted.Should().BeFalse();
        late.Count.Should().BeGreaterThan(before);
        await peer.SendAsync("answer to 2\n");

        (await second.Soon()).ToString().Should().Be("answer to 2");
        bed.Session.Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task A_tombstone_unfilled_after_one_more_time_out_closes_as_ResponseLost()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.RequestTimeout = TimeSpan.FromSeconds(2));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var first = connection.RequestAsync("1").AsTask();
        bed.Advance(2.2);
        await first.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        bed.Advance(1);
        var second = connection.RequestAsync("2").AsTask();
        bed.Advance(0.6);
        connection.Closed.IsCompleted.Should().BeFalse();

        bed.Advance(0.5);

        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.ResponseLost);
        var thrown = await second.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>();
        thrown.Which.Reason.Kind.Should().Be(CloseKind.ResponseLost);
    }

    [Fact]
    public async Task A_skipped_response_that_each_next_one_stands_in_for_closes_as_ResponseLost()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.RequestTimeout = TimeSpan.FromSeconds(2));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        await AskAsync("1", answer: null);
        await AskAsync("2", answer: "to 2");
        connection.Closed.IsCompleted.Should().BeFalse("one may be late");

        await AskAsync("3", answer: "to 3");

        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.ResponseLost);
        reason.Detail.Should().StartWith("three requests one after the other timed out");

        async Task AskAsync(string request, string? answer)
        {
            var asked = connection.RequestAsync(request).AsTask();
            if (answer is not null)
            {
                await peer.SendAsync(answer + "\n");
                asked.IsCompleted.Should().BeFalse("it fills the place of the one before");
            }

            bed.Advance(2.1);
            await asked.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        }
    }

    [Fact]
    public async Task Responses_that_are_late_together_and_then_in_time_again_lose_nothing()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.RequestTimeout = TimeSpan.FromSeconds(2));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        for (var round = 0; round < 3; round++)
        {
            var late = Enumerable.Range(0, 4).Select(number => connection.RequestAsync($"{number}").AsTask()).ToArray();
            bed.Advance(2.1);
            var more = Enumerable.Range(4, 4).Select(number => connection.RequestAsync($"{number}").AsTask()).ToArray();
            bed.Advance(1);
            await peer.SendAsync("0\n1\n2\n3\n");
            bed.Advance(1.1);
            foreach (var request in late.Concat(more))
            {
                await request.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
            }

            await peer.SendAsync("4\n5\n6\n7\n");
            var last = connection.RequestAsync("8").AsTask();
            await peer.SendAsync("8\n");
            (await last.Soon()).ToString().Should().Be("8");
        }

        connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task A_request_may_have_a_time_out_of_its_own()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.RequestTimeout = TimeSpan.FromSeconds(5));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var shorter = connection.RequestAsync("1", new() { Timeout = TimeSpan.FromSeconds(1) }).AsTask();
        var usual = connection.RequestAsync("2").AsTask();
        var longer = connection.RequestAsync("3", new() { Timeout = TimeSpan.FromSeconds(9) }).AsTask();
        bed.Advance(1.2);
        (await shorter.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>()).Which.Timeout.Should().Be(TimeSpan.FromSeconds(1));
        await peer.SendAsync("late one\n");
        bed.Advance(4);
        (await usual.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>()).Which.Timeout.Should().Be(TimeSpan.FromSeconds(5));
        await peer.SendAsync("late two\n");
        bed.Advance(3);
        longer.IsCompleted.Should().BeFalse();

        await peer.SendAsync("three\n");

        (await longer.Soon()).ToString().Should().Be("three");
    }

    [Fact]
    public async Task Without_a_time_out_requests_wait_until_they_are_answered()
    {
        await using var bed = await new TestBed().StartAsync(configure: options =>
        {
            options.RequestTimeout = Timeout.InfiniteTimeSpan;
            options.ReadCorrelationId = message => message[0] == '#' ? ResponseMatch.Id(message[1] - '0') : ResponseMatch.Oldest;
        });
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var inOrder = connection.RequestAsync("a").AsTask();
        var byId = connection.RequestAsync("b", new() { CorrelationId = 1 }).AsTask();
        var timed = connection.RequestAsync("c", new() { CorrelationId = 2, Timeout = TimeSpan.FromSeconds(1) }).AsTask();
        bed.Advance(1.2);
        await timed.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        bed.Advance(TimeSpan.FromMinutes(20));

        await peer.SendAsync("#1\nlast\n");

        (await byId.Soon()).ToString().Should().Be("#1");
        (await inOrder.Soon()).ToString().Should().Be("last");
    }

    [Fact]
    public async Task One_request_may_wait_for_ever_and_the_others_not()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.ReadCorrelationId = message => message[0] == '#' ? ResponseMatch.Id(message[1] - '0') : ResponseMatch.Oldest);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();
        var byId = connection.RequestAsync("b", new() { CorrelationId = 1, Timeout = Timeout.InfiniteTimeSpan }).AsTask();
        var canceled = connection.RequestAsync("c", new() { CorrelationId = 2, Timeout = Timeout.InfiniteTimeSpan }, cancel.Token).AsTask();
        var usual = connection.RequestAsync("d", new() { CorrelationId = 3 }).AsTask();
        bed.Advance(30.2);
        await usual.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        cancel.Cancel();
        await canceled.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();

        await peer.SendAsync("#2\n#1\n");

        (await byId.Soon()).ToString().Should().Be("#1");
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task A_tombstone_of_a_request_without_a_time_out_waits_for_ever_and_swallows_its_response()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();
        var canceled = connection.RequestAsync("1", new() { Timeout = Timeout.InfiniteTimeSpan }, cancel.Token).AsTask();
        var behind = connection.RequestAsync("2", new() { Timeout = Timeout.InfiniteTimeSpan }).AsTask();
        cancel.Cancel();
        await canceled.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        bed.Advance(TimeSpan.FromMinutes(20));
        connection.Closed.IsCompleted.Should().BeFalse();

        await peer.SendAsync("one\ntwo\n");

        (await behind.Soon()).ToString().Should().Be("two");
    }

    [Fact]
    public async Task Requests_without_a_time_out_end_with_the_connection()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.ReadCorrelationId = _ => ResponseMatch.None);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var inOrder = connection.RequestAsync("1", new() { Timeout = Timeout.InfiniteTimeSpan }).AsTask();
        var byId = connection.RequestAsync("2", new() { CorrelationId = 2, Timeout = Timeout.InfiniteTimeSpan }).AsTask();

        connection.Abort();

        await inOrder.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>();
        await byId.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>();
    }

    [Theory]
    [InlineData(1, 30)]
    [InlineData(4, 1)]
    public async Task A_tombstone_waits_as_long_as_its_own_request(double own, double usual)
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.RequestTimeout = TimeSpan.FromSeconds(usual));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var request = connection.RequestAsync("1", new() { Timeout = TimeSpan.FromSeconds(own) }).AsTask();
        bed.Advance(own + 0.2);
        await request.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        bed.Advance(own - 0.4);
        connection.Closed.IsCompleted.Should().BeFalse();

        bed.Advance(0.5);

        var reason = await connection.Closed.Soon();
        reason.Kind.Should().Be(CloseKind.ResponseLost);
        reason.Detail.Should().Contain(TimeSpan.FromSeconds(own).ToString());
    }

    [Fact]
    public async Task A_tombstone_behind_a_request_that_waits_longer_is_not_lost_before_its_turn()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var slow = connection.RequestAsync("slow", new() { Timeout = TimeSpan.FromSeconds(20) }).AsTask();
        var quick = connection.RequestAsync("quick", new() { Timeout = TimeSpan.FromSeconds(1) }).AsTask();
        bed.Advance(1.2);
        await quick.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        bed.Advance(10);
        await peer.SendAsync("slow's\n");
        (await slow.Soon()).ToString().Should().Be("slow's");
        bed.Advance(0.8);
        connection.Closed.IsCompleted.Should().BeFalse("its response could not come before that of the slow one");

        bed.Advance(0.5);

        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.ResponseLost);
    }

    [Fact]
    public async Task A_cancelled_requests_tombstone_waits_as_long_as_its_own_time_out()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        using var cancel = new CancellationTokenSource();
        _ = bed.Session.Connection.RequestAsync("1", new() { Timeout = TimeSpan.FromSeconds(2) }, cancel.Token).AsTask();
        cancel.Cancel();
        bed.Advance(1.8);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();

        bed.Advance(0.5);

        (await bed.Session.Connection.Closed.Soon()).Kind.Should().Be(CloseKind.ResponseLost);
    }

    [Fact]
    public async Task Requests_take_text_memory_arrays_and_spans_and_copy_them()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var array = "array"u8.ToArray();

        Task<Message>[] requests =
        [
            connection.RequestAsync("text").AsTask(),
            connection.RequestAsync("literal"u8).AsTask(),
            connection.RequestAsync(array).AsTask(),
            connection.RequestAsync(array.AsSpan(0, 2), new() { Timeout = TimeSpan.FromSeconds(1) }).AsTask(),
            connection.RequestAsync(array.AsMemory(2), default, CancellationToken.None).AsTask(),
        ];
        array.AsSpan().Clear();

        (await peer.ReceiveAsync(5 + 8 + 6 + 3 + 4)).Should().Be("text\nliteral\narray\nar\nray\n");
        await peer.SendAsync("1\n2\n3\n4\n5\n");
        (await Task.WhenAll(requests).Soon()).Select(response => response.ToString()).Should().Equal("1", "2", "3", "4", "5");
    }

    [Fact]
    public async Task Cancelling_abandons_the_request_and_leaves_a_tombstone()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();
        var first = connection.RequestAsync("1", cancellationToken: cancel.Token).AsTask();
        var second = connection.RequestAsync("2").AsTask();
        cancel.Cancel();
        var thrown = await first.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        thrown.Which.CancellationToken.Should().Be(cancel.Token);

        await peer.SendAsync("one\ntwo\n");

        (await second.Soon()).ToString().Should().Be("two");
    }

    [Fact]
    public async Task A_token_cancelled_before_sends_nothing()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var request = () => bed.Session.Connection.RequestAsync("1", cancellationToken: new CancellationToken(canceled: true)).AsTask();

        await request.Should().ThrowAsync<OperationCanceledException>();
        bed.Listener.Wire.Sends.Should().BeEmpty();
    }

    [Theory]
    [InlineData(CloseKind.Aborted)]
    [InlineData(CloseKind.PeerClosed)]
    [InlineData(CloseKind.Truncated)]
    [InlineData(CloseKind.PeerReset)]
    public async Task Pending_requests_fail_at_the_end_with_the_reason(CloseKind kind)
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var requests = Enumerable.Range(0, 3).Select(number => connection.RequestAsync($"{number}").AsTask()).ToArray();
        switch (kind)
        {
            case CloseKind.Aborted:
                connection.Abort();
                break;
            case CloseKind.PeerReset:
                bed.Network.Reset(connection.RemoteEndPoint!);
                break;
            default:
                await peer.SendAsync(kind == CloseKind.Truncated ? "an answer\nhalf" : "an answer\n");
                await peer.FinishAsync();
                break;
        }

        var answered = kind is CloseKind.PeerClosed or CloseKind.Truncated ? 1 : 0;
        foreach (var request in requests.Skip(answered))
        {
            var thrown = await request.Invoking(task => task.Soon()).Should().ThrowAsync<ConnectionClosedException>();
            thrown.Which.Reason.Kind.Should().Be(kind);
        }

        (await connection.Closed.Soon()).Kind.Should().Be(kind);
        var again = () => connection.RequestAsync("late").AsTask();
        (await again.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.Kind.Should().Be(kind);
    }

    [Fact]
    public async Task When_the_peer_has_finished_no_request_is_sent_although_a_handler_still_works()
    {
        var gate = Shorthand.Gate();
        Exception? thrown = null;
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            await gate.Task;
            try
            {
                await connection.RequestAsync("?");
            }
            catch (ConnectionClosedException exception)
            {
                thrown = exception;
            }

            await connection.SendAsync(message);
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        await peer.FinishAsync();

        bed.Open(gate);

        (await peer.ReceiveToEndAsync()).Should().Be("x\n");
        thrown!.Message.Should().Contain("the peer sends no more");
    }

    [Fact]
    public async Task MaxPendingRequests_bounds_them()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.MaxPendingRequests = 2);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var first = connection.RequestAsync("1").AsTask();
        _ = connection.RequestAsync("2").AsTask();
        var third = () => connection.RequestAsync("3").AsTask();
        (await third.Should().ThrowAsync<RequestRefusedException>()).Which.Message.Should().Contain("ConnectionOptions.MaxPendingRequests");
        bed.Listener.Wire.Sends.Should().HaveCount(2);

        await peer.SendAsync("one\n");
        await first.Soon();
        _ = connection.RequestAsync("3").AsTask();
        bed.Listener.Wire.Sends.Should().HaveCount(3);
    }

    [Theory, Trait("Fault", "X13")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_or_timed_out_request_in_order_counts_until_its_response_has_come(bool timeOut)
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.MaxPendingRequests = 2);
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();
        var options = new RequestOptions { Timeout = TimeSpan.FromSeconds(3) };
        Task[] gone = [.. Enumerable.Range(0, 2).Select(number => connection.RequestAsync($"{number}", options, cancel.Token).AsTask())];
        if (timeOut)
        {
            bed.Advance(3.1);
        }
        else
        {
            cancel.Cancel();
        }

        await Task.WhenAll(gone).Invoking(task => task.Soon()).Should().ThrowAsync<Exception>();
        var third = () => connection.RequestAsync("3").AsTask();

        (await third.Should().ThrowAsync<RequestRefusedException>()).Which.Message.Should()
            .Match("2 requests are pending*2 of them cancelled or timed out*ConnectionOptions.MaxPendingRequests*");
        bed.Listener.Wire.Sends.Should().HaveCount(2);
        await peer.SendAsync("late\n");
        var taken = connection.RequestAsync("3").AsTask();
        bed.Listener.Wire.Sends.Should().HaveCount(3);
        await peer.SendAsync("late, too\nthree\n");
        (await taken.Soon()).ToString().Should().Be("three");
    }

    [Fact, Trait("Fault", "X13")]
    public async Task A_storm_of_cancelled_requests_is_bounded()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.MaxPendingRequests = 100);
        await using var peer = await bed.ConnectRawAsync();
        var refused = 0;
        for (var i = 0; i < 1_000; i++)
        {
            using var cancel = new CancellationTokenSource();
            try
            {
                var request = bed.Session.Connection.RequestAsync("x", cancellationToken: cancel.Token).AsTask();
                cancel.Cancel();
                await request.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
            }
            catch (RequestRefusedException)
            {
                refused++;
            }
        }

        refused.Should().Be(900);
    }

    [Fact, Trait("Fault", "X27")]
    public async Task A_handler_that_blocks_for_its_own_response_is_told_so()
    {
        RequestTimeoutException? thrown = null;
        await using var bed = await new TestBed().StartAsync((connection, _) =>
        {
            try
            {
                connection.RequestAsync("?", new() { Timeout = TimeSpan.FromSeconds(2) }).AsTask().Wait(TestBed.Patience);
            }
            catch (AggregateException exception)
            {
                thrown = exception.InnerException as RequestTimeoutException;
            }

            return default;
        });
        await using var peer = await bed.ConnectRawAsync();
        var blocking = Task.Run(() => peer.SendAsync("x\n"));
        await Eventually.TrueAsync(() => bed.Listener.Wire.Sends.Count > 0);

        // The network's thread is blocked, so time passes here.
        for (var i = 0; i < 22; i++)
        {
            bed.Time.Advance(TimeSpan.FromMilliseconds(100));
        }

        await blocking.Soon();
        bed.Network.Settle().Should().BeTrue();
        (thrown!.HandlerWasBlocked, thrown.MailboxWasFull).Should().Be((true, false));
        thrown.Message.Should().Contain("handler was blocked").And.Contain(".Result");
    }

    [Fact, Trait("Fault", "X27")]
    public async Task A_request_that_a_handler_awaits_accuses_nobody_when_it_times_out()
    {
        RequestTimeoutException? thrown = null;
        await using var bed = await new TestBed().StartAsync(async (connection, message) =>
        {
            try
            {
                await connection.RequestAsync("?", new() { Timeout = TimeSpan.FromSeconds(2) });
            }
            catch (RequestTimeoutException exception)
            {
                thrown = exception;
            }
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");

        bed.Advance(2.2);

        thrown!.HandlerWasBlocked.Should().BeFalse();
        thrown.Message.Should().Be("No response within 00:00:02");
    }

    [Fact]
    public async Task A_correlation_id_without_its_reader_is_refused_before_anything_is_sent()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var request = () => bed.Session.Connection.RequestAsync("1", new() { CorrelationId = 5 }).AsTask();

        var refused = await request.Should().ThrowAsync<RequestRefusedException>();
        refused.Which.Message.Should().Contain("ConnectionOptions.ReadCorrelationId");
        bed.Listener.Wire.Sends.Should().BeEmpty();
    }
}
