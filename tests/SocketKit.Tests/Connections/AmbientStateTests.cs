using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>Rules 12 and 13: what user code may rely on about stacks and AsyncLocals.</summary>
public class AmbientStateTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    [Fact]
    public async Task What_a_handler_puts_in_an_AsyncLocal_is_gone_at_its_next_call()
    {
        var seen = new List<string?>();
        await using var bed = await new TestBed().StartAsync((_, message) =>
        {
            seen.Add(Ambient.Value);
            Ambient.Value = message.Text();
            return default;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\nc\n");
        await peer.SendAsync("d\n");

        seen.Should().Equal(null, null, null, null);
    }

    [Fact]
    public async Task Neither_does_it_reach_other_connections_the_closing_call_or_the_factory()
    {
        var seen = new List<string?>();
        await using var bed = await new TestBed().StartAsync(_ =>
        {
            seen.Add(Ambient.Value);
            return new TestHandler
            {
                Connected = _ =>
                {
                    seen.Add(Ambient.Value);
                    Ambient.Value = "connected";
                    return default;
                },
                Message = (_, _) =>
                {
                    seen.Add(Ambient.Value);
                    Ambient.Value = "message";
                    return default;
                },
                Closed = (_, _) =>
                {
                    seen.Add(Ambient.Value);
                    return default;
                },
            };
        });
        await using (var peer = await bed.ConnectRawAsync())
        {
            await peer.SendAsync("x\n");
        }

        bed.Network.Settle();
        await using var next = await bed.ConnectRawAsync();

        seen.Should().HaveCount(6).And.OnlyContain(value => value == null);
    }

    [Fact]
    public async Task The_starters_AsyncLocals_do_not_leak_into_handlers_hooks_and_factories()
    {
        Ambient.Value = "starter";
        var seen = new List<string?>();
        await using var bed = await new TestBed().StartAsync((connection, message) =>
        {
            seen.Add(Ambient.Value);
            return connection.SendAsync(message);
        });
        await using var client = await bed.ConnectAsync(options => options.OnOpening = (_, _) =>
        {
            seen.Add(Ambient.Value);
            return default;
        });
        using var response = await client.RequestAsync("x").AsTask().Soon();
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("y\n");

        seen.Should().Equal(null, null, null);
    }

    [Fact]
    public async Task Within_one_asynchronous_call_an_AsyncLocal_flows_as_usual()
    {
        var gate = Gate();
        var seen = new List<string?>();
        await using var bed = await new TestBed().StartAsync(async (_, message) =>
        {
            Ambient.Value = message.Text();
            await gate.Task;
            seen.Add(Ambient.Value);
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\n");
        bed.Open(gate);

        seen.Should().Equal("a", "b");
    }

    [Fact]
    public async Task What_awaits_a_library_task_never_continues_inside_the_member_that_completes_it()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync((connection, message) => connection.SendAsync(message));
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var inside = false;
        var caller = Environment.CurrentManagedThreadId;
        var continuedInside = false;
        var send = connection.SendAsync(new byte[200_000]).AsTask();
        var request = connection.RequestAsync(new byte[10]).AsTask();
        var close = connection.Closed;
        var watch = Task.WhenAll(new Task[] { send, request, close }.Select(Watch));

        inside = true;
        connection.Abort();
        inside = false;
        bed.Network.Settle();

        await watch.Soon();
        continuedInside.Should().BeFalse();

        // Runs on the completer's stack if the library lets it.
        Task Watch(Task task) => task.ContinueWith(
            _ => continuedInside |= inside && Environment.CurrentManagedThreadId == caller, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    [Fact]
    public async Task A_token_s_registrations_do_not_run_inside_the_member_that_ends_the_connection()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        var caller = Environment.CurrentManagedThreadId;
        var ran = Gate();
        var inside = false;
        var ranInside = false;
        connection.ClosedToken.Register(() =>
        {
            ranInside = inside && Environment.CurrentManagedThreadId == caller;
            ran.SetResult();
        });

        inside = true;
        connection.Abort();
        inside = false;

        await ran.Task.Soon();
        ranInside.Should().BeFalse();
        connection.ClosedToken.IsCancellationRequested.Should().BeTrue();
    }
}
