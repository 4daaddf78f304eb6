using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>When handlers are called, with what, and in which order.</summary>
public class HandlerCallTests
{
    [Fact]
    public async Task A_message_stays_valid_until_an_asynchronous_handler_completes_however_much_arrives_meanwhile()
    {
        var gate = Gate();
        var after = new List<string>();
        await using var bed = await new TestBed().StartAsync(async (_, message) =>
        {
            await gate.Task;
            after.Add(message.Text());
        });
        await using var peer = await bed.ConnectRawAsync();

        var lines = Enumerable.Range(0, 40).Select(number => new string((char)('a' + (number % 26)), 1000) + number).ToArray();
        foreach (var line in lines)
        {
            await peer.SendAsync(line + "\n");
        }

        bed.Open(gate);

        after.Should().Equal(lines);
    }

    [Fact]
    public async Task A_message_kept_too_long_is_overwritten()
    {
        ReadOnlyMemory<byte> kept = default;
        await using var bed = await new TestBed().StartAsync((_, message) =>
        {
            kept = message;
            return default;
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("secret\n");

        kept.ToArray().Should().AllSatisfy(value => value.Should().Be(0xDD));
    }

    [Fact]
    public async Task A_message_kept_beyond_an_asynchronous_call_is_overwritten()
    {
        var gate = Gate();
        var kept = new List<ReadOnlyMemory<byte>>();
        await using var bed = await new TestBed().StartAsync(async (_, message) =>
        {
            kept.Add(message);
            await gate.Task;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("in the receive buffer\nin the mailbox\n");

        bed.Open(gate);

        kept.Should().HaveCount(2).And.AllSatisfy(message => message.ToArray().Should().AllSatisfy(value => value.Should().Be(0xDD)));
    }

    [Fact]
    public async Task Calls_never_overlap_whether_they_wait_or_not()
    {
        var inside = 0;
        var most = 0;
        var seen = new List<string>();
        var gates = new Queue<TaskCompletionSource>();
        await using var bed = await new TestBed().StartAsync(async (_, message) =>
        {
            most = Math.Max(most, ++inside);
            if (seen.Count % 3 == 0)
            {
                gates.Enqueue(Gate());
                await gates.Last().Task;
            }

            seen.Add(message.Text());
            inside--;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(Lines(0, 30));
        while (gates.TryDequeue(out var gate))
        {
            bed.Open(gate);
        }

        most.Should().Be(1);
        seen.Should().Equal(Enumerable.Range(0, 30).Select(number => $"{number}"));
    }

    [Fact]
    public async Task Connected_is_the_first_call_and_messages_wait_for_it()
    {
        var gate = Gate();
        var calls = new List<string>();
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler
        {
            Connected = async _ =>
            {
                calls.Add("connected");
                await gate.Task;
                calls.Add("really");
            },
            Message = (_, message) =>
            {
                calls.Add(message.Text());
                return default;
            },
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nb\n");
        calls.Should().Equal("connected");

        bed.Open(gate);

        calls.Should().Equal("connected", "really", "a", "b");
    }

    [Fact]
    public async Task Closed_comes_after_the_last_messages_handler()
    {
        var gate = Gate();
        var calls = new List<string>();
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler
        {
            Message = async (_, message) =>
            {
                await gate.Task;
                calls.Add(message.Text());
            },
            Closed = (_, reason) =>
            {
                calls.Add(reason.Kind.ToString());
                return default;
            },
        });
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Server.Connections.Single();
        await peer.SendAsync("a\nb\n");
        connection.Abort();
        bed.Network.Settle();
        (await connection.Closed.Soon()).Kind.Should().Be(CloseKind.Aborted);
        calls.Should().BeEmpty();

        bed.Open(gate);

        calls.Should().Equal("a", "Aborted");
    }

    [Fact]
    public async Task Closed_is_not_called_when_connected_was_not()
    {
        var closed = 0;
        await using var bed = await new TestBed().StartAsync(
            _ => throw new InvalidOperationException("no session today"),
            options => options.OpenTimeout = TimeSpan.FromSeconds(3));
        await using var peer = await bed.ConnectRawAsync();
        (await peer.EndsAsync()).Should().BeTrue();

        await using var other = await new TestBed().StartAsync(_ => new TestHandler
        {
            Closed = (_, _) =>
            {
                closed++;
                return default;
            },
        });
        other.Listener.Opening = _ => throw new IOException("no handshake");
        await using var unopened = await other.ConnectRawAsync();
        (await unopened.EndsAsync()).Should().BeFalse();
        other.Network.Settle();
        closed.Should().Be(0);
        other.Logs.GetSnapshot().Should().Contain(line => line.Message.Contains("OpenFailed"));
    }

    [Fact]
    public async Task A_handler_that_throws_in_closed_is_logged_and_the_server_stops_in_time()
    {
        await using var bed = await new TestBed().StartAsync(_ => new TestHandler { Closed = (_, _) => throw new InvalidOperationException("clean-up failed") });
        await using var peer = await bed.ConnectRawAsync();
        await peer.FinishAsync();
        bed.Network.Settle();

        bed.Logs.GetSnapshot().Should().Contain(line => line.Exception is InvalidOperationException);
        await bed.Server.StopAsync().Soon();
    }

    [Fact]
    public async Task A_handler_instance_serves_one_connection()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var first = await bed.ConnectRawAsync();
        await using var second = await bed.ConnectRawAsync();

        bed.Sessions.Should().HaveCount(2);
        bed.Sessions.Select(session => session.Connection).Should().OnlyHaveUniqueItems();
        bed.Sessions.Should().AllSatisfy(session => session.Connection.Handler.Should().BeSameAs(session));
        bed.Sessions.Should().AllSatisfy(session => session.Connection.Server.Should().BeSameAs(bed.Server));
    }

    // As by a call that ends on another thread while the frame is read.
    [Fact, Trait("Fault", "X37")]
    public async Task A_message_that_is_read_while_the_connection_closes_is_counted_and_not_handled()
    {
        IConnection? closing = null;
        var lines = Framers.Lines();
        await using var bed = await new TestBed().StartAsync((connection, _) =>
        {
            closing = connection;
            return default;
        }, options => options.Framer = new TestFramer
        {
            OnRead = (input, resume) =>
            {
                var frame = lines.Read(input, resume);
                closing?.Abort();
                return frame;
            },
        });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync("a\nb\nc\n");

        (await bed.Session.ClosedCall).DiscardedMessages.Should().Be(1);
        bed.Session.Messages.Should().Equal("a");
    }
}
