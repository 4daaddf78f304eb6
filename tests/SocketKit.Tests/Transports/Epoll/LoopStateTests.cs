using System.Collections.Concurrent;
using SocketKit.Transports.Epoll;

namespace SocketKit.Tests.Transports.Epoll;

public class LoopStateTests
{
    [Fact]
    public void A_dispatch_that_has_moved_on_is_not_taken_over()
    {
        var state = default(LoopState);
        state.TryBegin(0, out var first, out _).Should().BeTrue();
        state.TryBegin(0, out var second, out _).Should().BeTrue();

        state.TryTakeOver(first, out _).Should().BeFalse();
        state.TryTakeOver(second, out var generation).Should().BeTrue();

        state.TryBegin(0, out _, out _).Should().BeFalse();
        state.TryRest(0).Should().BeFalse();
        state.TryBegin(generation, out _, out _).Should().BeTrue();
    }

    [Fact]
    public void A_loop_that_rests_is_not_taken_over()
    {
        var state = default(LoopState);
        state.TryBegin(0, out _, out _).Should().BeTrue();
        state.TryRest(0).Should().BeTrue();

        state.TryTakeOver(state.Word, out _).Should().BeFalse();
    }

    [Fact]
    public void Generations_and_counters_wrap_without_touching_each_other()
    {
        var state = default(LoopState);
        var generation = 0;
        for (var i = 0; i < 0x100_0000 + 3; i++)
        {
            state.TryBegin(generation, out var seen, out _);
            state.TryTakeOver(seen, out generation);
        }

        generation.Should().Be(3);
        LoopState.GenerationOf(state.Word).Should().Be(3);
    }

    [Fact]
    public void A_monitor_parks_only_on_a_loop_that_rests_and_has_not_moved_and_is_woken_by_the_next_dispatch_alone()
    {
        var state = default(LoopState);
        state.TryBegin(0, out var busy, out _);
        state.TryParkMonitor(busy).Should().BeFalse();
        state.TryRest(0);
        var resting = state.Word;
        state.TryParkMonitor(busy).Should().BeFalse();

        state.TryParkMonitor(resting).Should().BeTrue();

        state.TryBegin(0, out _, out var wakes);
        wakes.Should().BeTrue();
        state.TryBegin(0, out _, out wakes);
        wakes.Should().BeFalse();
    }

    // Threads serve a loop one after the other; a monitor takes it from them wherever they are, and parks.
    [Fact]
    public async Task A_loop_has_one_owner_rests_untouched_and_wakes_the_monitor_once_per_park()
    {
        const int takeOvers = 5_000;
        var state = default(LoopState);
        using var handed = new BlockingCollection<int> { 0 };
        var resting = 0;
        var parks = 0;
        var wakes = 0;
        var took = 0;
        var owners = new ConcurrentDictionary<int, int>();

        void Serve()
        {
            foreach (var generation in handed.GetConsumingEnumerable())
            {
                owners.AddOrUpdate(generation, 1, (_, count) => count + 1);
                var random = new Random(generation);
                while (state.TryBegin(generation, out _, out var wakesMonitor))
                {
                    if (wakesMonitor)
                    {
                        Interlocked.Increment(ref wakes);
                    }

                    Pauses.Pause();
                    if (random.Next(3) == 0)
                    {
                        if (!state.TryRest(generation))
                        {
                            break;
                        }

                        Interlocked.Increment(ref resting).Should().Be(1);
                        Pauses.Pause();
                        Interlocked.Decrement(ref resting).Should().Be(0);
                    }
                }
            }
        }

        void Monitor()
        {
            var random = new Random(7);
            while (took < takeOvers)
            {
                var seen = state.Word;
                Pauses.Pause();
                if (state.TryTakeOver(seen, out var generation))
                {
                    took++;
                    handed.Add(generation);
                }
                else if (random.Next(4) == 0 && state.TryParkMonitor(seen))
                {
                    parks++;
                    Pauses.Until(() => Volatile.Read(ref wakes) == parks, "the monitor sleeps although the loop goes on");
                }
            }

            // Nobody takes it from the last owner: it goes with the word.
            Pauses.Until(() => state.TryTakeOver(state.Word, out _), "the loop stands still");
            handed.CompleteAdding();
        }

        await Pauses.RunAsync(Monitor, Serve, Serve, Serve);

        wakes.Should().Be(parks).And.BePositive();
        owners.Should().HaveCount(takeOvers + 1).And.OnlyContain(owner => owner.Value == 1);
    }
}
