using System.Collections.Concurrent;
using System.Diagnostics;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Epoll;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>A loop whose dispatch blocks.</summary>
public class HandOverTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>After so long a sleep is told of even if methods are compiled meanwhile, as other tests have them.</summary>
    private static readonly TimeSpan LongEnough = HeldDispatch.Long + TimeSpan.FromMilliseconds(100);

    private readonly EpollLoop _loop = new EpollEngine(1).NextLoop();

    [Fact]
    [Trait("Fault", "B04")]
    public async Task The_others_go_on_within_two_ticks_and_it_is_told_once()
    {
        using var handOvers = new Measurements("socketkit.loop.hand_overs");
        var delays = new List<double>();
        for (var round = 0; round < 3; round++)
        {
            using var blocking = new Probe(_loop);
            using var other = new Probe(_loop);
            using var release = new ManualResetEventSlim();
            var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var returned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Turn.Queue(blocking, () =>
            {
                began.SetResult();
                release.Wait(Patience);
                returned.SetResult();
            });
            await began.Task.WaitAsync(Patience);

            var watch = Stopwatch.StartNew();
            await Turn.RunAsync(other, () => 0);
            delays.Add(watch.Elapsed.TotalMilliseconds);

            SpinWait.SpinUntil(() => blocking.Told > 0, Patience).Should().BeTrue();
            release.Set();
            await returned.Task.WaitAsync(Patience);
            for (var i = 0; i < 3; i++)
            {
                await Turn.RunAsync(other, () => 0);
            }

            blocking.Told.Should().Be(1);
            blocking.IsOnProbation.Should().BeTrue();
            other.Told.Should().Be(0);
            other.IsOnProbation.Should().BeFalse();
        }

        delays.Sort();
        output.WriteLine($"Behind a dispatch that blocks, the next one came after {string.Join(", ", delays.Select(delay => $"{delay:0.0}"))} ms");
        delays[delays.Count / 2].Should().BeLessThan(100, "two ticks are 20 ms; the machine may be busy");
        SpinWait.SpinUntil(() => handOvers.Sum() >= 3, Patience).Should().BeTrue();
    }

    [Fact]
    public async Task On_probation_spares_dispatch_it_and_after_1000_short_dispatches_the_loop_does_again()
    {
        using var probe = new Probe(_loop);
        (await Turn.RunAsync(probe, () => EpollLoop.Current)).Should().BeSameAs(_loop);
        await BlockAsync(probe);
        probe.IsOnProbation.Should().BeTrue();

        var spares = 0;
        var clears = 0;

        // A long dispatch in between, as a busy machine makes them, begins the count anew: so more than 1,000 are allowed, not fewer.
        var patience = Stopwatch.StartNew();
        while (probe.IsOnProbation && patience.Elapsed < Patience)
        {
            var onSpare = await Turn.RunAsync(probe, () => EpollLoop.Current is null);
            spares += onSpare ? 1 : 0;
            clears += onSpare ? 0 : 1;
        }

        output.WriteLine($"Served {spares} times by spares before the loop took it back");
        spares.Should().BeGreaterThanOrEqualTo(1000);
        clears.Should().BeLessThanOrEqualTo(1);
        (await Turn.RunAsync(probe, () => EpollLoop.Current)).Should().BeSameAs(_loop);
        await BlockAsync(probe);
        probe.Told.Should().Be(2, "a new episode is told again");
    }

    [Fact]
    public async Task Events_that_come_while_it_blocks_make_no_second_episode()
    {
        var once = 0;
        using var release = new ManualResetEventSlim();
        using var began = new ManualResetEventSlim();
        var events = 0;
        using var probe = new Probe(_loop, _ =>
        {
            Interlocked.Increment(ref events);
            if (Interlocked.Exchange(ref once, 1) == 0)
            {
                began.Set();
                release.Wait(Patience);
            }
        });
        probe.Poke();
        began.Wait(Patience).Should().BeTrue();
        SpinWait.SpinUntil(() => probe.Told == 1, Patience).Should().BeTrue("what does not end is told of after a second");

        // Short ones, until its probation is over although it still blocks.
        for (var patience = Stopwatch.StartNew(); patience.Elapsed < Patience && probe.IsOnProbation;)
        {
            await Turn.RunAsync(probe, () => 0);
        }

        probe.IsOnProbation.Should().BeFalse();
        release.Set();
        SpinWait.SpinUntil(() => probe.IsOnProbation, Patience).Should().BeTrue("the thread that comes back begins it anew");
        await Turn.RunAsync(probe, () => 0);
        probe.Told.Should().Be(1);
    }

    [Fact]
    public async Task A_thousand_dispatches_that_block_for_as_long_as_a_tick_lose_no_turn()
    {
        // Take-overs that win, that come too late, and that meet the end of the dispatch.
        using var release = new ManualResetEventSlim();
        var ran = new ConcurrentDictionary<int, int>();
        var random = new Random(5);
        var probes = Enumerable.Range(0, 32).Select(_ => new Probe(_loop)).ToArray();
        var done = new CountdownEvent(1_000);
        for (var i = 0; i < 1_000; i++)
        {
            var number = i;
            var sleep = i % 20 == 0 ? random.Next(5, 25) : 0;
            Turn.Queue(probes[i % probes.Length], () =>
            {
                ran.AddOrUpdate(number, 1, (_, count) => count + 1);
                release.Wait(sleep);
                done.Signal();
            });
        }

        done.Wait(Patience).Should().BeTrue();
        ran.Should().HaveCount(1_000).And.OnlyContain(turn => turn.Value == 1);
        (await Turn.RunAsync(probes[1], () => 0)).Should().Be(0);
        Array.ForEach(probes, probe => probe.Dispose());
    }

    [Fact]
    [Trait("Fault", "X01")]
    public async Task Who_stands_behind_a_crowd_that_blocks_does_not_wait_two_ticks_for_each_of_it()
    {
        const int crowd = 200;
        const int tick = 10;
        using var release = new ManualResetEventSlim();
        var probes = Enumerable.Range(0, crowd + 1).Select(_ => new Probe(_loop)).ToArray();
        var blocked = 0;
        foreach (var probe in probes[..crowd])
        {
            Turn.Queue(probe, () =>
            {
                Interlocked.Increment(ref blocked);
                release.Wait(Patience);
            });
        }

        // Ticks as this machine has them now: on a busy one they are longer, and so is the wait.
        var (ticks, over) = (0, false);
        var counter = new Thread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                Thread.Sleep(tick);
                ticks++;
            }
        });
        counter.Start();
        var watch = Stopwatch.StartNew();
        await Turn.RunAsync(probes[crowd], () => 0);
        watch.Stop();
        Volatile.Write(ref over, true);
        counter.Join();

        output.WriteLine($"Behind {crowd} dispatches that block, the next one came after {watch.ElapsedMilliseconds} ms, {ticks} ticks");
        ticks.Should().BeLessThan(2 * crowd);
        SpinWait.SpinUntil(() => blocked == crowd, Patience).Should().BeTrue();
        release.Set();
        Array.ForEach(probes, probe => probe.Dispose());
    }

    [Fact]
    [Trait("Fault", "X11")]
    public async Task What_waits_for_a_processor_is_not_to_blame()
    {
        // As a machine does that is busy with others: the dispatch stands still, its thread neither sleeps nor computes for long.
        using var probe = new Probe(_loop);
        for (var round = 0; round < 5; round++)
        {
            var before = probe.TakenOver;
            await Turn.RunAsync(probe, () => Compute(() => probe.TakenOver > before));
            await Turn.RunAsync(probe, () => 0);
            probe.Told.Should().Be(0);
            probe.IsOnProbation.Should().BeFalse();
        }
    }

    [Fact]
    [Trait("Fault", "X11")]
    public async Task What_computes_for_long_is_to_blame()
    {
        using var probe = new Probe(_loop);
        var used = TimeSpan.Zero;
        await Turn.RunAsync(probe, () =>
        {
            var thread = NativeThread.Current;
            var began = thread.ProcessorTime;
            return Compute(() => (used = thread.ProcessorTime!.Value - began!.Value) > 2 * HeldDispatch.MuchProcessorTime);
        });
        used.Should().BeGreaterThan(2 * HeldDispatch.MuchProcessorTime);
        SpinWait.SpinUntil(() => probe.Told == 1, Patience).Should().BeTrue();
        probe.IsOnProbation.Should().BeTrue();
    }

    [Fact]
    [Trait("Fault", "X11")]
    public async Task A_collection_that_stops_the_threads_is_no_fault_of_theirs()
    {
        using var probe = new Probe(_loop);
        using var enough = new CancellationTokenSource();

        // Full collections of a large heap, one after the other.
        var large = Enumerable.Range(0, 1_000_000).Select(number => new object()).ToArray();
        var collecting = Task.Factory.StartNew(() =>
        {
            while (!enough.IsCancellationRequested)
            {
                GC.Collect(2, GCCollectionMode.Forced, blocking: true);

                // Room for the others in between, or a turn takes seconds.
                enough.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(5));
            }
        }, TaskCreationOptions.LongRunning);
        var taken = Stopwatch.StartNew();
        while (probe.TakenOver < 10 && taken.Elapsed < TimeSpan.FromSeconds(10))
        {
            // Long enough to be taken over, and far from what would be its own fault.
            await Turn.RunAsync(probe, () =>
            {
                var thread = NativeThread.Current;
                var began = thread.ProcessorTime!.Value;
                return Compute(() => thread.ProcessorTime!.Value - began > HeldDispatch.MuchProcessorTime / 4);
            });
        }

        await enough.CancelAsync();
        await collecting;
        output.WriteLine($"Collections made {probe.TakenOver} dispatches stand still in {taken.ElapsedMilliseconds} ms");
        probe.TakenOver.Should().BePositive();
        probe.Told.Should().Be(0);
        probe.IsOnProbation.Should().BeFalse();
        GC.KeepAlive(large);
    }

    [Fact]
    [Trait("Fault", "X45")]
    public async Task What_runs_no_user_code_is_never_on_probation()
    {
        using var probe = new Probe(_loop) { IsInnocent = true };
        await Turn.RunAsync(probe, () => Sleep(LongEnough));
        (await Turn.RunAsync(probe, () => EpollLoop.Current)).Should().BeSameAs(_loop);
        probe.TakenOver.Should().Be(1, "the others do not wait for it all the same");
        probe.Told.Should().Be(0);
        probe.IsOnProbation.Should().BeFalse();
    }

    private static int Sleep(TimeSpan time)
    {
        using var never = new ManualResetEventSlim();
        never.Wait(time);
        return 0;
    }

    private static int Compute(Func<bool> until)
    {
        for (var watch = Stopwatch.StartNew(); !until() && watch.Elapsed < Patience;)
        {
        }

        return 0;
    }

    private static async Task BlockAsync(Probe probe)
    {
        var before = probe.Told;
        await Turn.RunAsync(probe, () => Sleep(LongEnough));
        SpinWait.SpinUntil(() => probe.Told > before, Patience).Should().BeTrue();
        probe.Told.Should().Be(before + 1);
        probe.IsOnProbation.Should().BeTrue();
    }
}
