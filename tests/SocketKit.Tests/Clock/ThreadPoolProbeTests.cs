using Microsoft.Extensions.Time.Testing;
using SocketKit.Clock;

namespace SocketKit.Tests.Clock;

public class ThreadPoolProbeTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeThreads _threads = new();
    private readonly List<TimeSpan> _episodes = [];

    [Fact]
    public void A_pool_that_answers_is_left_alone()
    {
        var probe = Probe();
        for (var i = 0; i < 10; i++)
        {
            Tick(probe);
            _threads.Run();
        }

        _threads.Minimum.Should().Be(2);
        _threads.Queued.Should().Be(10);
        probe.LateTicks.Should().Be(0);
        _episodes.Should().BeEmpty();
    }

    [Fact]
    public void A_pool_without_waiting_work_is_left_asleep()
    {
        _threads.IsBehind = false;
        var probe = Probe();
        Tick(probe);
        Tick(probe);

        _threads.Queued.Should().Be(0);
        probe.LateTicks.Should().Be(0);
    }

    [Fact]
    public void A_pool_that_has_caught_up_ends_the_episode()
    {
        var probe = Probe();
        Tick(probe);
        Tick(probe);
        _episodes.Should().HaveCount(1);

        _threads.Run();
        _threads.IsBehind = false;
        Tick(probe);
        _threads.IsBehind = true;
        Tick(probe);
        Tick(probe);

        _episodes.Should().HaveCount(2);
    }

    [Fact]
    public void A_probe_that_waits_exactly_100_ms_is_in_time()
    {
        var probe = Probe();
        probe.Tick();
        _time.Advance(TimeSpan.FromMilliseconds(100));
        probe.Tick();

        probe.LateTicks.Should().Be(0);
        _threads.Minimum.Should().Be(2);
    }

    [Fact]
    public void A_starved_pool_gets_8_more_threads_per_late_tick_and_one_notice_per_episode()
    {
        var probe = Probe();
        Tick(probe);
        Tick(probe);
        Tick(probe);
        Tick(probe);

        _threads.Queued.Should().Be(1, "one probe is under way at a time");
        _threads.Minimum.Should().Be(2 + (3 * 8));
        probe.LateTicks.Should().Be(3);
        _episodes.Should().Equal(TimeSpan.FromMilliseconds(101));
    }

    [Fact]
    public void A_probe_that_comes_back_late_does_not_end_the_episode_and_one_in_time_does()
    {
        var probe = Probe();
        Tick(probe);
        Tick(probe);
        _threads.Run();
        Tick(probe);
        Tick(probe);
        _episodes.Should().HaveCount(1);

        _threads.Run();
        probe.Tick();
        _threads.Run();
        Tick(probe);
        Tick(probe);

        _episodes.Should().HaveCount(2);
    }

    [Fact]
    public void It_never_asks_for_more_than_its_bound_over_the_first_minimum()
    {
        var probe = Probe(maximumRaise: 20);
        for (var i = 0; i < 10; i++)
        {
            Tick(probe);
        }

        _threads.Minimum.Should().Be(22);
        var second = Probe(maximumRaise: 20);
        Tick(second);
        Tick(second);
        _threads.Minimum.Should().Be(22, "a second probe counts from the same first minimum");
    }

    [Fact]
    public void A_pool_that_works_off_a_long_queue_needs_no_more_threads()
    {
        var probe = Probe();
        for (var i = 0; i < 10; i++)
        {
            Tick(probe);
            _threads.Completed += 8;
        }

        _threads.Minimum.Should().Be(2);
        _episodes.Should().BeEmpty();

        // Then handlers block both threads.
        _threads.Completed--;
        Tick(probe);
        _threads.Minimum.Should().Be(10);
        _episodes.Should().HaveCount(1);
    }

    [Fact]
    public void The_default_bound_is_256()
    {
        var probe = Probe(maximumRaise: null);
        for (var i = 0; i < 100; i++)
        {
            Tick(probe);
        }

        _threads.Minimum.Should().Be(258);
    }

    [Fact]
    public void A_minimum_that_the_application_set_higher_is_not_lowered()
    {
        var probe = Probe(maximumRaise: 20);
        _threads.Minimum = 500;
        Tick(probe);
        Tick(probe);

        _threads.Minimum.Should().Be(500);
    }

    private ThreadPoolProbe Probe(int? maximumRaise = 256) =>
        maximumRaise is null ? new ThreadPoolProbe(_episodes.Add, timeProvider: _time, threads: _threads) : new ThreadPoolProbe(_episodes.Add, maximumRaise.Value, _time, _threads);

    private void Tick(ThreadPoolProbe probe)
    {
        probe.Tick();
        _time.Advance(TimeSpan.FromMilliseconds(101));
    }

    private sealed class FakeThreads : ThreadPoolProbe.IThreads
    {
        private readonly Queue<IThreadPoolWorkItem> _items = new();

        public int FirstMinimum => 2;

        public int Minimum { get; set; } = 2;

        public int Queued { get; private set; }

        public int Count => 2;

        public long Completed { get; set; }

        public bool IsBehind { get; set; } = true;

        public void Queue(IThreadPoolWorkItem item)
        {
            Queued++;
            _items.Enqueue(item);
        }

        public void Run()
        {
            while (_items.TryDequeue(out var item))
            {
                item.Execute();
            }
        }
    }
}
