using System.Buffers;
using SocketKit.Connections;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

public class ShortLockTests
{
    private ShortLock _lock;
    private int _count;

    [Fact]
    public async Task One_thread_at_a_time_is_inside()
    {
        const int Times = 100_000;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < Times; i++)
                {
                    using (number % 2 == 0 ? _lock.Enter() : _lock.Enter(Environment.CurrentManagedThreadId))
                    {
                        _count++;
                    }
                }
            },
            TaskCreationOptions.LongRunning))).WaitAsync(TestBed.Patience);

        _count.Should().Be(4 * Times);
    }

    [Fact]
    public async Task Who_finds_it_held_for_long_gets_in_when_it_is_free()
    {
        using var held = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var holder = Task.Factory.StartNew(
            () =>
            {
                using (_lock.Enter())
                {
                    held.Set();
                    release.Wait(TestBed.Patience);
                    _count = 1;
                }
            },
            TaskCreationOptions.LongRunning);
        held.Wait(TestBed.Patience).Should().BeTrue();
        var other = Task.Factory.StartNew(
            () =>
            {
                using (_lock.Enter())
                {
                    return _count;
                }
            },
            TaskCreationOptions.LongRunning);

        release.Set();

        (await other.WaitAsync(TestBed.Patience)).Should().Be(1);
        await holder;
    }

    [Fact]
    public void Whoever_said_that_it_is_inside_is_not_left_to_wait_for_itself()
    {
        using (_lock.Enter(Environment.CurrentManagedThreadId))
        {
            var again = () =>
            {
                using (_lock.Enter())
                {
                    _count++;
                }
            };

            again.Should().Throw<LockRecursionException>();
        }

        using (_lock.Enter())
        {
            _count.Should().Be(0);
        }
    }

    [Fact]
    public async Task A_framer_that_sends_on_the_connection_it_writes_to_is_told_and_the_connection_lives()
    {
        var framer = new Recursive();
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        framer.Connection = bed.Session.Connection;
        Func<Task> send = async () => await bed.Session.Connection.SendAsync("nested"u8.ToArray());

        await send.Should().ThrowAsync<LockRecursionException>();

        framer.Connection = null;
        await bed.Session.Connection.SendAsync("plain"u8.ToArray());
        bed.Network.Settle();
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
    }

    public static TheoryData<string, string> Entries
    {
        get
        {
            var entries = new TheoryData<string, string>();
            foreach (var outer in new[] { "send", "try", "request", "ping", "pong" })
            {
                foreach (var inner in Members.Keys)
                {
                    entries.Add(outer, inner);
                }
            }

            return entries;
        }
    }

    private static Dictionary<string, Action<IConnection>> Members { get; } = new()
    {
        ["SendAsync"] = connection => _ = connection.SendAsync("inner"u8.ToArray()),
        ["TrySend"] = connection => connection.TrySend("inner"u8.ToArray()),
        ["RequestAsync"] = connection => _ = connection.RequestAsync("inner"u8.ToArray()),
        ["CloseAsync"] = connection => _ = connection.CloseAsync(),
        ["Abort"] = connection => connection.Abort(),
        ["Closed"] = connection => _ = connection.Closed,
        ["ClosedToken"] = connection => _ = connection.ClosedToken,
    };

    [Theory]
    [Trait("Fault", "X19")]
    [MemberData(nameof(Entries))]
    public async Task A_framer_that_comes_back_is_refused_wherever_it_comes_from_and_goes_to(string outer, string inner)
    {
        IConnection? connection = null;
        Exception? refused = null;
        var lines = Framers.Lines();
        var framer = new TestFramer
        {
            OnWrite = (message, output) =>
            {
                if (connection is not null)
                {
                    (connection.Id > 0, connection.Name, connection.TextEncoding.WebName).Should().Be((true, null, "utf-8"));
                    refused = Record.Exception(() => Members[inner](connection));
                }

                lines.Write(message, output);
            },
        };
        await using var bed = await new TestBed().StartAsync(configure: options =>
        {
            options.Framer = framer;
            options.Heartbeat = new PingPongHeartbeat("ping", "pong");
        });
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        connection = bed.Session.Connection;
        switch (outer)
        {
            case "send":
                await connection.SendAsync("outer"u8.ToArray());
                break;
            case "try":
                connection.TrySend("outer"u8.ToArray()).Should().BeTrue();
                break;
            case "request":
                _ = connection.RequestAsync("outer"u8.ToArray()).AsTask();
                break;
            case "ping":
                bed.Advance(11);
                break;
            default:
                await peer.SendAsync("ping\n");
                bed.Network.Settle();
                break;
        }

        refused.Should().BeOfType<LockRecursionException>();
        connection.Closed.IsCompleted.Should().BeFalse();
        (await peer.ReceiveAsync(5)).Should().Be(outer is "ping" or "pong" ? outer + "\n" : "outer");
        connection = null;
    }

    private sealed class Recursive : IFramer
    {
        private readonly IFramer _lines = Framers.Lines();

        public IConnection? Connection { get; set; }

        public Frame Read(Span<byte> input, long resume) => _lines.Read(input, resume);

        public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
        {
            Connection?.TrySend("inner"u8.ToArray());
            _lines.Write(message, output);
        }

        public string DescribeIncomplete(ReadOnlySpan<byte> input) => _lines.DescribeIncomplete(input);
    }
}
