using System.Collections.Concurrent;
using System.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

[Collection(ListeningTests.Name)]
public sealed class SocketKitActivitiesTests : IDisposable
{
    private readonly string _name = Guid.NewGuid().ToString("N");
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;
    private readonly ActivitySource _mine = new("mine");

    public SocketKitActivitiesTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "SocketKit" or "mine",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _mine.Dispose();
    }

    [Fact]
    public async Task A_message_is_a_span_until_its_handler_is_done_and_what_the_handler_does_lies_within()
    {
        var gate = new TaskCompletionSource();
        var current = new ConcurrentQueue<Activity?>();
        await using var bed = await StartAsync(async (_, _) =>
        {
            current.Enqueue(Activity.Current);
            await gate.Task;
            using var inner = _mine.StartActivity("query");
            current.Enqueue(inner!.Parent);
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("hello\n");
        await peer.SendAsync("you\n");
        bed.Network.Settle();
        Mine("handle").Should().BeEmpty();
        bed.Open(gate);

        var spans = Mine("handle");
        spans.Should().HaveCount(2);
        spans.Select(span => span.ParentSpanId).Should().OnlyContain(parent => parent == default);
        spans.Select(span => span.TraceId).Distinct().Should().HaveCount(2, "each message is a trace of its own");
        spans[0].Kind.Should().Be(ActivityKind.Server);
        spans[0].Status.Should().Be(ActivityStatusCode.Unset);
        spans[0].GetTagItem("socketkit.role").Should().Be("server");
        spans[0].GetTagItem("socketkit.connection.id").Should().Be(bed.Session.Connection.Id);
        spans[0].GetTagItem("socketkit.message.size").Should().Be(5);
        current.Should().Equal(spans[0], spans[0], spans[1], spans[1]);
    }

    [Fact]
    public async Task Calls_of_one_batch_do_not_see_each_others_span()
    {
        await using var bed = await StartAsync((connection, message) => connection.SendAsync(message));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\nc\n");
        await peer.ReceiveAsync(6);
        bed.Network.Settle();

        Mine("handle").Should().HaveCount(3).And.OnlyContain(span => span.ParentSpanId == default);
        Activity? seen = null;
        bed.Network.Run(() => seen = Activity.Current);
        seen.Should().BeNull("nothing is left on the loop's thread");
    }

    [Fact]
    public async Task A_handler_that_fails_is_an_error_with_its_text_escaped()
    {
        await using var bed = await StartAsync((_, _) => throw new InvalidOperationException("no \u001b[2J"));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\n");
        await peer.FinishAsync();
        await bed.Session.ClosedCall;

        var span = Mine("handle").Should().ContainSingle().Which;
        span.Status.Should().Be(ActivityStatusCode.Error);
        span.StatusDescription.Should().Be("no \\u001b[2J");
        span.GetTagItem("error.type").Should().Be("System.InvalidOperationException");
    }

    [Fact]
    public async Task A_request_is_a_child_of_the_callers_span_until_its_response()
    {
        await using var bed = await StartAsync((connection, message) => connection.SendAsync(message));
        await using var client = await bed.ConnectAsync(options => options.Name = _name);
        Activity? after;
        using (var outer = _mine.StartActivity("work"))
        {
            using var response = await client.RequestAsync("1").AsTask().Soon();
            after = Activity.Current;
            after.Should().BeSameAs(outer, "the caller's span is current again");
        }

        var span = Mine("request").Should().ContainSingle().Which;
        span.Parent.Should().BeSameAs(after);
        span.Kind.Should().Be(ActivityKind.Client);
        span.GetTagItem("socketkit.role").Should().Be("client");
        span.Status.Should().Be(ActivityStatusCode.Unset);
    }

    [Theory]
    [InlineData(7L)]
    [InlineData(0L)]
    [InlineData(null)]
    public async Task A_request_that_gets_no_response_is_an_error(long? id)
    {
        await using var bed = await StartAsync((_, _) => default);
        await using var client = await bed.ConnectAsync(options =>
        {
            options.Name = _name;
            options.ReadCorrelationId = _ => ResponseMatch.None;
        });
        var request = client.RequestAsync("1", new() { CorrelationId = id, Timeout = TimeSpan.FromSeconds(2) }).AsTask();
        bed.Advance(2.2);
        await request.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();

        var span = Mine("request").Should().ContainSingle().Which;
        span.Status.Should().Be(ActivityStatusCode.Error);
        span.GetTagItem("error.type").Should().Be(typeof(RequestTimeoutException).FullName);
        span.GetTagItem("socketkit.request.correlation_id").Should().Be(id);
    }

    [Fact]
    public async Task An_attempt_to_connect_is_a_span_and_the_first_is_a_child_of_the_callers()
    {
        await using var bed = new TestBed();
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Name = _name;
            options.Reconnect = new BackoffReconnect(first: TimeSpan.FromSeconds(1), cap: TimeSpan.FromSeconds(1));
        }));
        var waiting = new TaskCompletionSource();
        client.StateChanged += (_, change) =>
        {
            if (change.To == ClientState.Waiting)
            {
                waiting.TrySetResult();
            }
        };
        Task connecting;
        using (var outer = _mine.StartActivity("start"))
        {
            connecting = client.ConnectAsync();
            await waiting.Task.Soon();
            Mine("connect").Should().ContainSingle().Which.ParentSpanId.Should().Be(outer!.SpanId);
        }

        await bed.StartAsync(configure: options => options.Name = _name);
        bed.Advance(2);
        await connecting.Soon();
        bed.Network.Settle();

        var spans = Mine("connect");
        spans.Should().HaveCount(2);
        spans[0].Status.Should().Be(ActivityStatusCode.Error);
        spans[0].GetTagItem("error.type").Should().Be("ConnectFailed");
        spans[0].GetTagItem("socketkit.client.attempt").Should().Be(0);
        spans[1].Status.Should().Be(ActivityStatusCode.Unset);
        spans[1].ParentSpanId.Should().Be(default(ActivitySpanId));
        spans[1].GetTagItem("socketkit.client.attempt").Should().Be(1);
        spans[1].GetTagItem("server.address").Should().NotBeNull();
        spans[1].Kind.Should().Be(ActivityKind.Client);
    }

    [Fact]
    public async Task A_request_held_back_by_the_connect_hook_still_belongs_to_its_caller()
    {
        var hook = new TaskCompletionSource();
        var inHook = new TaskCompletionSource();
        await using var bed = await StartAsync((connection, message) => connection.SendAsync(message));
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Name = _name;
            options.OnOpening = async (_, _) =>
            {
                inHook.SetResult();
                await hook.Task;
            };
        }));
        var connecting = client.ConnectAsync();
        await inHook.Task.Soon();
        Activity? outer;
        Task<Message> request;
        using (outer = _mine.StartActivity("work"))
        {
            request = client.RequestAsync("1").AsTask();
            bed.Open(hook);
            await connecting.Soon();
            (await request.Soon()).Dispose();
        }

        Mine("request").Should().ContainSingle().Which.ParentSpanId.Should().Be(outer!.SpanId);
    }

    private Activity[] Mine(string name) => [.. _ended.Where(span => span.OperationName == name && span.GetTagItem("socketkit.name") as string == _name)];

    private Task<TestBed> StartAsync(Func<IConnection, ReadOnlyMemory<byte>, ValueTask> onMessage) => new TestBed().StartAsync(onMessage, options => options.Name = _name);
}
