using System.Collections.Concurrent;
using System.Diagnostics;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Interop;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>One loop, seen from what is registered in it.</summary>
public class EpollLoopTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly EpollLoop _loop = new EpollEngine(1).NextLoop();

    [Fact]
    public async Task An_event_of_two_directions_is_one_dispatch_for_each()
    {
        var seen = new BlockingCollection<int>();
        using var probe = new Probe(_loop, seen.Add, Native.EpollIn | Native.EpollOut | Native.EpollRdHup | Native.EpollEdge, EventBatch.In);

        // To be added is an edge, too. If the loop looked at it only now, it could find the input there, and then once more by the input's
        // own edge; who comes later in the loop shows that it has looked.
        var looked = new BlockingCollection<int>();
        using var later = new Probe(_loop, looked.Add);
        later.Poke();
        Take(looked);

        // Input, and room for output since nothing stands in it. (The end of the other side is sometimes two events.)
        probe.Poke();

        Take(seen).Should().Be(EventBatch.In);
        Take(seen).Should().Be(EventBatch.Out);
        await Turn.RunAsync(probe, () => 0);
        seen.Should().BeEmpty();
    }

    [Fact]
    public void The_other_direction_of_an_event_is_dispatched_while_the_first_blocks()
    {
        using var release = new ManualResetEventSlim();
        using var began = new ManualResetEventSlim();
        using var outDone = new ManualResetEventSlim();
        var ins = 0;
        var outs = 0;
        using var probe = new Probe(
            _loop,
            directions =>
            {
                if (directions == EventBatch.In)
                {
                    Interlocked.Increment(ref ins);
                    began.Set();
                    release.Wait(Patience);
                }
                else
                {
                    Interlocked.Increment(ref outs);
                    outDone.Set();
                }
            },
            Native.EpollIn | Native.EpollOut | Native.EpollRdHup | Native.EpollEdge,
            EventBatch.In);

        // As above: being added is over before the input comes.
        var looked = new BlockingCollection<int>();
        using var later = new Probe(_loop, looked.Add);
        later.Poke();
        Take(looked);
        probe.Poke();
        began.Wait(Patience).Should().BeTrue();

        outDone.Wait(Patience).Should().BeTrue("the thread that takes the loop over finds the other half");
        release.Set();
        ins.Should().Be(1);
        outs.Should().Be(1);
    }

    [Fact]
    public async Task Events_of_a_former_holder_of_a_slot_do_not_reach_the_new_one()
    {
        Probe? newcomer = null;
        var reached = new ConcurrentQueue<string>();
        using var former = new Probe(_loop, _ => reached.Enqueue("former"));
        using var first = new Probe(_loop, _ =>
        {
            // The event of the former holder is in the same batch, behind this one.
            _loop.Remove(former);
            newcomer = new Probe(_loop, _ => reached.Enqueue("newcomer"));
        });
        await Turn.RunAsync(first, () =>
        {
            first.Poke();
            former.Poke();
            return 0;
        });
        for (var i = 0; i < 3; i++)
        {
            await Turn.RunAsync(first, () => 0);
        }

        newcomer.Should().NotBeNull();
        newcomer!.Slot.Should().Be(former.Slot);
        newcomer.Generation.Should().Be(former.Generation + 1);
        reached.Should().BeEmpty();
        newcomer.Poke();
        newcomer.Poke();
        SpinWait.SpinUntil(() => !reached.IsEmpty, Patience);
        reached.Should().NotBeEmpty().And.OnlyContain(who => who == "newcomer");
        newcomer.Dispose();
    }

    [Fact]
    public async Task What_escapes_a_dispatch_is_its_owners_and_the_loop_goes_on()
    {
        using var bad = new Probe(_loop, _ => throw new InvalidOperationException("event"));
        using var good = new Probe(_loop);
        bad.Poke();
        Turn.Queue(bad, () => throw new InvalidOperationException("turn"));

        (await Turn.RunAsync(good, () => true)).Should().BeTrue();

        SpinWait.SpinUntil(() => bad.Escaped.Count == 2, Patience);
        bad.Escaped.Select(exception => exception.Message).Should().BeEquivalentTo("event", "turn");
        good.Escaped.Should().BeEmpty();
    }

    [Fact]
    public async Task What_a_dispatch_leaves_in_its_context_is_gone_in_the_next()
    {
        var local = new AsyncLocal<string>();
        using var probe = new Probe(_loop);
        await Turn.RunAsync(probe, () =>
        {
            local.Value = "left behind";
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
            return 0;
        });

        (await Turn.RunAsync(probe, () => (local.Value, SynchronizationContext.Current))).Should().Be((null, null));

        // Also when it has stopped the flow.
        await Turn.RunAsync(probe, () =>
        {
            local.Value = "left behind";
            ExecutionContext.SuppressFlow();
            return 0;
        });
        (await Turn.RunAsync(probe, () => (local.Value, ExecutionContext.IsFlowSuppressed()))).Should().Be((null, false));
    }

    [Fact]
    public async Task Each_queued_turn_runs_once_and_no_wake_is_lost()
    {
        const int threads = 4;
        const int each = 5_000;
        using var probe = new Probe(_loop);
        var ran = 0;
        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
            {
                // Each waits for its own turn, so the loop goes to sleep again and again.
                await Turn.RunAsync(probe, () => Interlocked.Increment(ref ran));
            }
        }))).WaitAsync(Patience);

        ran.Should().Be(threads * each);
    }

    [Fact]
    public async Task Turns_that_queue_themselves_for_ever_leave_turns_and_events_to_the_others()
    {
        using var end = new CancellationTokenSource();
        var events = 0;
        using var greedy = new Probe(_loop);
        using var quiet = new Probe(_loop, _ => Interlocked.Increment(ref events));
        void Again()
        {
            if (!end.IsCancellationRequested)
            {
                Turn.Queue(greedy, Again);
            }
        }

        for (var i = 0; i < 64; i++)
        {
            Turn.Queue(greedy, Again);
        }

        var slowest = TimeSpan.Zero;
        for (var i = 1; i <= 200; i++)
        {
            var watch = Stopwatch.StartNew();
            quiet.Poke();
            SpinWait.SpinUntil(() => Volatile.Read(ref events) >= i, Patience).Should().BeTrue();
            await Turn.RunAsync(quiet, () => 0);
            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
        }

        output.WriteLine($"Beside 64 turns that never end, the slowest of 200 events and turns took {slowest.TotalMilliseconds:0.0} ms");
        slowest.Should().BeLessThan(Bounds.Seconds(0.1));
        await end.CancelAsync();
    }

    private static int Take(BlockingCollection<int> seen)
    {
        seen.TryTake(out var directions, Patience).Should().BeTrue();
        return directions;
    }
}
