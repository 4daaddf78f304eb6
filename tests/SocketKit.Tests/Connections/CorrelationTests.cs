using System.Globalization;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>Requests whose responses are found by a correlation id.</summary>
public class CorrelationTests
{
    /// <summary>"7:anything" answers the request with the id 7, "-:anything" the oldest without one; all else answers none.</summary>
    private static ResponseMatch Read(ReadOnlySpan<byte> message)
    {
        var colon = message.IndexOf((byte)':');
        return colon == 1 && message[0] == '-' ? ResponseMatch.Oldest
            : colon > 0 && long.TryParse(message[..colon], CultureInfo.InvariantCulture, out var id) ? ResponseMatch.Id(id)
            : ResponseMatch.None;
    }

    private static Task<TestBed> StartAsync(Action<SocketServerOptions>? configure = null) => new TestBed().StartAsync((_, _) => default, options =>
    {
        options.ReadCorrelationId = Read;
        configure?.Invoke(options);
    });

    [Fact]
    public async Task Responses_find_their_callers_in_any_order_and_pushes_in_between_reach_the_handler()
    {
        await using var bed = await StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var requests = Enumerable.Range(1, 3).Select(id => connection.RequestAsync($"{id}:?", new() { CorrelationId = id }).AsTask()).ToArray();
        var inOrder = connection.RequestAsync("anything").AsTask();

        await peer.SendAsync("3:three\npush\n1:one\n-:in order\npush\n2:two\n");

        var responses = await Task.WhenAll(requests).Soon();
        responses.Select(response => response.ToString()).Should().Equal("1:one", "2:two", "3:three");
        (await inOrder.Soon()).ToString().Should().Be("-:in order");
        bed.Session.Messages.Should().Equal("push", "push");
    }

    [Fact]
    public async Task Late_ones_are_counted_and_dropped_without_a_tombstone()
    {
        using var late = new MeterCount("socketkit.request.late_responses");
        await using var bed = await StartAsync(options => options.RequestTimeout = TimeSpan.FromSeconds(1));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var first = connection.RequestAsync("1:?", new() { CorrelationId = 1 }).AsTask();
        bed.Advance(1.2);
        await first.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        var before = late.Count;
        await peer.SendAsync("1:late\n");
        late.Count.Should().BeGreaterThan(before);
        bed.Session.Messages.Should().BeEmpty();
        bed.Advance(3);
        connection.Closed.IsCompleted.Should().BeFalse("no order can be lost");

        var again = connection.RequestAsync("1:?", new() { CorrelationId = 1 }).AsTask();
        await peer.SendAsync("1:in time\n");
        (await again.Soon()).ToString().Should().Be("1:in time");
    }

    [Fact]
    public async Task An_id_in_use_is_refused_and_the_first_caller_keeps_it()
    {
        await using var bed = await StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var first = connection.RequestAsync("7:?", new() { CorrelationId = 7 }).AsTask();
        var second = () => connection.RequestAsync("7:!", new() { CorrelationId = 7 }).AsTask();
        (await second.Should().ThrowAsync<RequestRefusedException>()).Which.Message.Should().Contain("7");
        bed.Listener.Wire.Sends.Should().ContainSingle();

        await peer.SendAsync("7:one\n");
        (await first.Soon()).ToString().Should().Be("7:one");
        await peer.SendAsync("7:twice\n");
        bed.Session.Messages.Should().BeEmpty();
        _ = connection.RequestAsync("7:again", new() { CorrelationId = 7 }).AsTask();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public async Task Any_number_is_an_id(long id)
    {
        using var late = new MeterCount("socketkit.request.late_responses");
        await using var bed = await StartAsync(options => options.RequestTimeout = TimeSpan.FromSeconds(1));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var inOrder = connection.RequestAsync("?").AsTask();
        var byId = connection.RequestAsync($"{id}:?", new() { CorrelationId = id }).AsTask();
        var twice = () => connection.RequestAsync($"{id}:!", new() { CorrelationId = id }).AsTask();
        (await twice.Should().ThrowAsync<RequestRefusedException>()).Which.Message.Should().Contain($"the correlation id {id} ");

        await peer.SendAsync($"{id}:one\n");
        (await byId.Soon()).ToString().Should().Be($"{id}:one");
        inOrder.IsCompleted.Should().BeFalse("an id answers nobody without one");
        var before = late.Count;
        await peer.SendAsync($"{id}:again\n");
        late.Count.Should().BeGreaterThan(before);
        inOrder.IsCompleted.Should().BeFalse("a late one by id takes no place of those in order");
        await peer.SendAsync("-:in order\n");
        (await inOrder.Soon()).ToString().Should().Be("-:in order");

        var slow = connection.RequestAsync($"{id}:?", new() { CorrelationId = id }).AsTask();
        bed.Advance(1.2);
        await slow.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        var next = connection.RequestAsync($"{id}:?", new() { CorrelationId = id }).AsTask();
        await peer.SendAsync($"{id}:free\n");
        (await next.Soon()).ToString().Should().Be($"{id}:free");
        bed.Session.Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task Those_in_order_and_those_by_id_never_answer_each_other()
    {
        using var late = new MeterCount("socketkit.request.late_responses");
        await using var bed = await StartAsync(options => options.RequestTimeout = TimeSpan.FromSeconds(2));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var first = connection.RequestAsync("first").AsTask();
        var zero = connection.RequestAsync("zero", new() { CorrelationId = 0 }).AsTask();
        var second = connection.RequestAsync("second").AsTask();
        var minus = connection.RequestAsync("minus", new() { CorrelationId = -5 }).AsTask();

        await peer.SendAsync("-5:m\n-:1\npush\n0:z\n-:2\n");

        (await first.Soon()).ToString().Should().Be("-:1");
        (await second.Soon()).ToString().Should().Be("-:2");
        (await zero.Soon()).ToString().Should().Be("0:z");
        (await minus.Soon()).ToString().Should().Be("-5:m");
        bed.Session.Messages.Should().Equal("push");
        var before = late.Count;
        await peer.SendAsync("-:nobody asked\n0:nobody asked\n");
        (late.Count - before).Should().BeGreaterOrEqualTo(2);

        // A place left behind in order swallows one late response in order, and none by id.
        var abandoned = connection.RequestAsync("abandoned").AsTask();
        bed.Advance(2.2);
        await abandoned.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        var last = connection.RequestAsync("last").AsTask();
        var lastById = connection.RequestAsync("last", new() { CorrelationId = 0 }).AsTask();
        await peer.SendAsync("0:by id\n-:late\n-:in time\n");
        (await lastById.Soon()).ToString().Should().Be("0:by id");
        (await last.Soon()).ToString().Should().Be("-:in time");
    }

    [Fact]
    public async Task Cancelling_frees_the_id()
    {
        await using var bed = await StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();
        var first = connection.RequestAsync("7:?", new() { CorrelationId = 7 }, cancel.Token).AsTask();
        cancel.Cancel();
        await first.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();

        var second = connection.RequestAsync("7:?", new() { CorrelationId = 7 }).AsTask();
        await peer.SendAsync("7:yes\n");
        (await second.Soon()).ToString().Should().Be("7:yes");
    }

    [Fact]
    public async Task Time_outs_come_in_the_order_of_the_requests_whatever_was_answered_before()
    {
        await using var bed = await StartAsync(options => options.RequestTimeout = TimeSpan.FromSeconds(1));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var stuck = connection.RequestAsync("1:?", new() { CorrelationId = 1 }).AsTask();
        for (var id = 2; id < 500; id++)
        {
            var request = connection.RequestAsync($"{id}:?", new() { CorrelationId = id }).AsTask();
            await peer.SendAsync($"{id}:ok\n");
            (await request.Soon()).ToString().Should().Be($"{id}:ok");
        }

        bed.Advance(0.5);
        var later = connection.RequestAsync("1000:?", new() { CorrelationId = 1000 }).AsTask();
        bed.Advance(0.6);
        await stuck.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        later.IsCompleted.Should().BeFalse();
        bed.Advance(0.5);
        await later.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
    }

    [Fact]
    public async Task Time_outs_of_their_own_come_when_they_are_due_whatever_was_asked_before()
    {
        await using var bed = await StartAsync(options => options.RequestTimeout = TimeSpan.FromSeconds(3));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        double[] seconds = [9, 3, 1, 6, 2, 3, 5, 1];
        var requests = seconds.Select((own, place) => (Own: own, Task: connection.RequestAsync($"{place + 1}:?", new() { CorrelationId = place + 1, Timeout = TimeSpan.FromSeconds(own) }).AsTask())).ToList();
        var usual = connection.RequestAsync("20:?", new() { CorrelationId = 20 }).AsTask();
        await peer.SendAsync("4:in time\n");
        (await requests[3].Task.Soon()).ToString().Should().Be("4:in time");
        requests.RemoveAt(3);
        requests.Add((3, usual));

        for (var now = 1; now <= 9; now++)
        {
            bed.Advance(now == 1 ? 1.2 : 1);
            foreach (var (own, task) in requests.Where(request => request.Own <= now))
            {
                (await task.Invoking(late => late.Soon()).Should().ThrowAsync<RequestTimeoutException>()).Which.Timeout.Should().Be(TimeSpan.FromSeconds(own));
            }

            requests.Should().NotContain(request => request.Own > now && request.Task.IsCompleted);
        }

        connection.Closed.IsCompleted.Should().BeFalse();
        var again = connection.RequestAsync("3:?", new() { CorrelationId = 3 }).AsTask();
        await peer.SendAsync("3:yes\n");
        (await again.Soon()).ToString().Should().Be("3:yes", "the id is free again");
    }

    [Fact]
    public async Task Both_sides_may_request_at_the_same_time()
    {
        await using var bed = await new TestBed().StartAsync(
            (connection, message) => message.Span.StartsWith("ask"u8) ? connection.SendAsync("7:server") : default,
            options => options.ReadCorrelationId = Read);
        await using var client = await bed.ConnectAsync(options =>
        {
            options.ReadCorrelationId = Read;
            options.HandlerFactory = Handlers.OnText((connection, text) => connection.SendAsync("9:client"));
        });
        var server = bed.Session.Connection;

        var toServer = client.RequestAsync("ask", new() { CorrelationId = 7 }).AsTask();
        var toClient = server.RequestAsync("ask", new() { CorrelationId = 9 }).AsTask();

        (await toServer.Soon()).ToString().Should().Be("7:server");
        (await toClient.Soon()).ToString().Should().Be("9:client");
    }
}
