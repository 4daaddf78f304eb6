using SocketKit.Transports.Epoll;

namespace SocketKit.Tests.Transports.Epoll;

public class EventBatchTests
{
    private const int Both = EventBatch.In | EventBatch.Out;

    [Fact]
    public void An_event_of_both_directions_is_two_dispatches_and_keeps_nothing_else()
    {
        var batch = new EventBatch(4);
        batch.Clear();
        batch.Add(EventBatch.MostSlots - 1, uint.MaxValue, Both | EventBatch.InHungUp);
        batch.Add(1, 2, EventBatch.Out | EventBatch.OutHungUp);
        batch.Add(3, 4, EventBatch.In | EventBatch.Urgent);

        Take(batch).Should().Be((EventBatch.MostSlots - 1, uint.MaxValue, EventBatch.In));
        Take(batch).Should().Be((EventBatch.MostSlots - 1, uint.MaxValue, EventBatch.Out));
        Take(batch).Should().Be((1, 2u, EventBatch.Out));
        Take(batch).Should().Be((3, 4u, EventBatch.In));
        Take(batch).Should().BeNull();
    }

    [Fact]
    public void An_empty_batch_and_one_of_events_without_a_direction_have_nothing_to_take()
    {
        var batch = new EventBatch(2);
        Take(batch).Should().BeNull();
        batch.Clear();
        batch.Add(1, 1, 0);
        Take(batch).Should().BeNull();
    }

    // The owner empties and fills the batch again and again; three threads whose loop was taken over, and which may be several fills late,
    // take from it as well.
    [Fact]
    public async Task Every_dispatch_is_taken_exactly_once_however_late_the_threads_are()
    {
        const int capacity = 4;
        const int fills = 30_000;
        var batch = new EventBatch(capacity);
        var added = new int[fills * capacity];
        var takenIn = new int[added.Length];
        var takenOut = new int[added.Length];
        var foreign = 0;
        var done = false;

        void Note(int slot, uint generation, int directions)
        {
            _ = Interlocked.Increment(ref ((directions & EventBatch.In) != 0 ? takenIn : takenOut)[generation]);
            if (slot != (int)generation % capacity || (directions & Both) is 0 or Both)
            {
                Interlocked.Increment(ref foreign);
            }
        }

        void Owner()
        {
            var random = new Random(1);
            var next = 0;
            for (var fill = 0; fill < fills; fill++)
            {
                batch.Clear();
                for (var i = random.Next(capacity + 1); i > 0; i--)
                {
                    added[next] = random.Next(1, 4);
                    batch.Add(next % capacity, (uint)next, added[next]);
                    next++;
                }

                while (batch.TryTake(out var slot, out var generation, out var directions))
                {
                    Note(slot, generation, directions);
                }
            }

            Volatile.Write(ref done, true);
        }

        void Late()
        {
            while (!Volatile.Read(ref done))
            {
                Pauses.Pause();
                if (batch.TryTake(out var slot, out var generation, out var directions))
                {
                    Note(slot, generation, directions);
                }
            }
        }

        await Pauses.RunAsync(Owner, Late, Late, Late);

        foreign.Should().Be(0);
        takenIn.Should().Equal(added.Select(directions => directions & EventBatch.In));
        takenOut.Should().Equal(added.Select(directions => (directions & EventBatch.Out) >> 1));
    }

    private static (int Slot, uint Generation, int Directions)? Take(EventBatch batch) =>
        batch.TryTake(out var slot, out var generation, out var directions) ? (slot, generation, directions) : null;
}
