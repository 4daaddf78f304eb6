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
