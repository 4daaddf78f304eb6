using System.Diagnostics;
using SocketKit.Transports.Epoll;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>Who sleeps by what its code does, and who was put to sleep by a collection.</summary>
[Trait("Fault", "X11")]
public class SleepEvidenceTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private TimeSpan _time = TimeSpan.FromSeconds(100);
    private TimeSpan _used = TimeSpan.FromMilliseconds(3);
    private RuntimeWork _work = new(7, TimeSpan.FromMilliseconds(500), 1_000);

    [Fact]
    public void Asleep_once_is_enough_where_no_collection_was_near()
    {
        var evidence = Evidence(lastPause: TimeSpan.FromSeconds(1));

        Look(ref evidence, isAsleep: false).Should().BeFalse();
        Look(ref evidence).Should().BeTrue();
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 10)]
    public void Behind_a_collection_it_takes_so_many_ticks(bool isBusy, int ticks)
    {
        var evidence = Evidence(lastPause: TimeSpan.FromSeconds(1));
        Collect(Tick);

        for (var tick = 0; tick < ticks; tick++)
        {
            Look(ref evidence, isBusy: isBusy).Should().BeFalse("the collection may not have let it go yet");
        }

        Look(ref evidence, isBusy: isBusy).Should().BeTrue();
    }

    [Fact]
    public void A_collection_before_the_first_look_counts_too()
    {
        var evidence = Evidence(lastPause: Tick);

        Look(ref evidence).Should().BeFalse();
        Look(ref evidence).Should().BeTrue();
    }

    [Fact]
    public void Who_runs_between_collections_does_not_sleep()
    {
        var evidence = Evidence(lastPause: TimeSpan.FromSeconds(1));
        for (var tick = 0; tick < 100; tick++)
        {
            Collect(TimeSpan.FromMilliseconds(1));
            Look(ref evidence).Should().BeFalse();
            _used += TimeSpan.FromMicroseconds(10);
        }
    }

    [Fact]
    public void Who_does_not_run_between_collections_sleeps_and_what_they_take_is_not_counted()
    {
        var evidence = Evidence(lastPause: TimeSpan.FromSeconds(1));
        for (var tick = 0; tick < 10; tick++)
        {
            Collect(Tick);
            Look(ref evidence).Should().BeFalse("the collections took all of its time");
        }

        Collect(TimeSpan.Zero);
        Look(ref evidence).Should().BeFalse();
        Collect(TimeSpan.Zero);
        Look(ref evidence).Should().BeTrue();
    }

    private SleepEvidence Evidence(TimeSpan lastPause) => new((_time - lastPause).Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond, _work);

    private void Collect(TimeSpan pause) => _work = _work with { Collections = _work.Collections + 1, Pauses = _work.Pauses + pause };

    private bool Look(ref SleepEvidence evidence, bool isAsleep = true, bool isBusy = false)
    {
        var sleeps = evidence.Look(_time.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond, isAsleep, _used, _work, isBusy);
        _time += Tick;
        return sleeps;
    }
}
