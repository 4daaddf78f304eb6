using System.Collections.Concurrent;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>
/// Whatever the order of what peers, handlers, owners and the clock do: connected once, messages in order and one at a time, closed once.
/// </summary>
public class RandomScheduleTests
{
    private const int Seeds = 2000;

    [Fact]
    [Trait("Fault", "S01")]
    public async Task Events_keep_their_order_under_random_schedules()
    {
        var sessions = new ConcurrentQueue<Story>();
        Random? random = null;
        await using var bed = await new TestBed(capacity: 256).StartAsync(connection =>
        {
            var story = new Story(connection, new Random(random!.Next()));
            sessions.Enqueue(story);
            return story;
        });

        for (var seed = 0; seed < Seeds; seed++)
        {
            random = new Random(seed);
            await using var peer = await bed.ConnectRawAsync();
            var story = sessions.Last();
            Play(bed, peer, story, random);

            // Whatever was left undone is done now.
            while (story.TryOpenGate())
            {
                bed.Network.Settle().Should().BeTrue("seed {0}", seed);
            }

            peer.Transport.Abort();
            story.FinishOpening = true;
            while (story.TryOpenGate())
            {
                bed.Network.Settle().Should().BeTrue("seed {0}", seed);
            }

            bed.Network.Settle().Should().BeTrue("seed {0}", seed);
            if (!story.Ended)
            {
                bed.Advance(1.2);
            }

            Check(story, seed);
        }

        bed.Listener.Wires.Sum(wire => wire.Violations).Should().Be(0);
        bed.Listener.Wires.Should().OnlyContain(wire => wire.Disposed);
        bed.Server.Connections.Should().BeEmpty();
        sessions.Select(story => story.Reason!.Kind).Distinct().Should().Contain(
            [CloseKind.PeerClosed, CloseKind.Truncated, CloseKind.PeerReset, CloseKind.LocalClosed, CloseKind.Aborted, CloseKind.HandlerFailed], "the schedules reach all of these ends");
    }

    private static void Play(TestBed bed, RawPeer peer, Story story, Random random)
    {
        var sent = 0;
        var finished = false;
        for (var step = 0; step < 14; step++)
        {
            switch (random.Next(12))
            {
                case 0 or 1 or 2 when !finished:
                    var count = random.Next(1, 6);
                    Attempt(peer.Transport.SendAsync(System.Text.Encoding.ASCII.GetBytes(Lines(sent, count))));
                    bed.Network.Settle();
                    sent += count;
                    break;
                case 3 when !finished:
                    Attempt(peer.Transport.SendAsync(System.Text.Encoding.ASCII.GetBytes($"{sent}")));
                    Attempt(peer.Transport.SendAsync("\n"u8.ToArray()));
                    sent++;
                    break;
                case 4 or 5 or 6:
                    story.TryOpenGate();
                    bed.Network.Settle();
                    break;
                case 7:
                    story.Connection.TrySend("from outside");
                    break;
                case 8 when random.Next(3) == 0 && !finished:
                    finished = true;
                    if (random.Next(2) == 0)
                    {
                        Attempt(peer.Transport.SendAsync("half"u8.ToArray()));
                    }

                    Attempt(peer.Transport.CompleteOutputAsync());
                    break;
                case 9 when random.Next(4) == 0:
                    bed.Network.Reset(story.Connection.RemoteEndPoint!);
                    return;
                case 10 when random.Next(4) == 0:
                    Attempt(story.Connection.CloseAsync());
                    break;
                case 11 when random.Next(6) == 0:
                    story.Connection.Abort();
                    break;
                default:
                    bed.Advance(0.1);
                    break;
            }
        }
    }

    // The peer's own verbs may wait or fail: what is tested is the other end.
    private static void Attempt(ValueTask verb) => _ = SocketKit.Connections.Connection.Observed(verb.AsTask());

    private static void Check(Story story, int seed)
    {
        story.Ended.Should().BeTrue("seed {0}, {1}, {2}", seed, string.Join(" ", story.Events), story.Connection.Closed.Status);
        story.Overlaps.Should().Be(0, "seed {0}", seed);
        story.Events.First().Should().Be("connected", "seed {0}", seed);
        story.Events.Last().Should().Be("closed", "seed {0}", seed);
        var messages = story.Events.Skip(1).SkipLast(1).ToArray();
        messages.Should().Equal(Enumerable.Range(0, messages.Length).Select(number => $"{number}"), "seed {0}", seed);
    }

    /// <summary>A handler that waits, answers, closes, aborts and throws at random, and notes what happens to it.</summary>
    private sealed class Story(IConnection connection, Random random) : ConnectionHandler
    {
        private readonly ConcurrentQueue<TaskCompletionSource> _gates = new();
        private int _inside;

        public IConnection Connection { get; } = connection;

        public List<string> Events { get; } = [];

        public int Overlaps { get; private set; }

        public bool Ended { get; private set; }

        public bool FinishOpening { get; set; }

        public CloseReason? Reason { get; private set; }

        public bool TryOpenGate()
        {
            if (!_gates.TryDequeue(out var gate))
            {
                return false;
            }

            gate.SetResult();
            return true;
        }

        public override ValueTask OnConnectedAsync(IConnection connection) => PlayAsync("connected");

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => PlayAsync(message.Text());

        public override async ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            Reason = reason;
            try
            {
                await PlayAsync("closed");
            }
            finally
            {
                Ended = true;
            }
        }

        private async ValueTask PlayAsync(string call)
        {
            Overlaps += Interlocked.Increment(ref _inside) == 1 ? 0 : 1;
            Events.Add(call);
            if (random.Next(3) == 0 && !FinishOpening)
            {
                _gates.Enqueue(Gate());
                await _gates.Last().Task;
            }

            var exception = random.Next(60) == 0 ? new FormatException(call) : null;
            switch (random.Next(12))
            {
                case 0 or 1 or 2 or 3:
                    Connection.TrySend("answer to " + call);
                    break;
                case 4 when random.Next(4) == 0:
                    Attempt(Connection.CloseAsync("enough"));
                    break;
                case 5 when random.Next(8) == 0:
                    Connection.Abort();
                    break;
                default:
                    break;
            }

            Interlocked.Decrement(ref _inside);
            if (exception is not null)
            {
                throw exception;
            }
        }
    }
}
