using System.Diagnostics;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

[Collection(ListeningTests.Name)]
[Trait("Fault", "X02")]
public class SafeActivitiesTests
{
    private readonly string _name = "SocketKit.Test." + Guid.NewGuid().ToString("N");

    [Fact]
    public void A_sampler_that_throws_means_no_span()
    {
        using var listener = Listener(sample: () => throw new FormatException("sample"));
        var source = new SafeActivities(_name, "1");
        using var outer = new Activity("outer").Start();
        var before = ObserverFailures.Activities;

        source.Start("a", ActivityKind.Client).Should().BeNull();

        Activity.Current.Should().BeSameAs(outer);
        (ObserverFailures.Activities - before).Should().Be(1);
    }

    [Fact]
    public void A_listener_that_throws_at_the_start_leaves_a_span_that_others_see_end()
    {
        var ended = new List<Activity>();
        using var thrower = Listener(started: _ => throw new FormatException("start"));
        using var other = Listener(stopped: ended.Add);
        var source = new SafeActivities(_name, "1");
        using var outer = new Activity("outer").Start();

        var span = source.Start("a", ActivityKind.Client)!;
        span.Parent.Should().BeSameAs(outer);
        Activity.Current.Should().BeSameAs(span);
        SafeActivities.Stop(span);

        Activity.Current.Should().BeSameAs(outer);
        ended.Should().Equal(span);
    }

    [Fact]
    public void A_listener_that_throws_at_the_stop_leaves_no_span_behind()
    {
        using var thrower = Listener(stopped: _ => throw new FormatException("stop"));
        var source = new SafeActivities(_name, "1");
        using var outer = new Activity("outer").Start();
        var before = ObserverFailures.Activities;

        var span = source.Start("a", ActivityKind.Server)!;
        SafeActivities.Stop(span);

        span.IsStopped.Should().BeTrue();
        Activity.Current.Should().BeSameAs(outer);
        (ObserverFailures.Activities - before).Should().Be(1);
    }

    [Fact]
    public void A_source_exists_although_a_listener_throws_when_it_is_made()
    {
        var ended = new List<Activity>();
        using (var thrower = new ActivityListener { ShouldListenTo = source => source.Name == _name ? throw new FormatException("made") : false })
        {
            ActivitySource.AddActivityListener(thrower);
            var source = new SafeActivities(_name, "1");
            thrower.ShouldListenTo = null;
            using var listener = Listener(stopped: ended.Add);
            source.HasListeners.Should().BeTrue();
            SafeActivities.Stop(source.Start("a", ActivityKind.Client)!);
        }

        ended.Should().ContainSingle();
    }

    private ActivityListener Listener(Func<ActivitySamplingResult>? sample = null, Action<Activity>? started = null, Action<Activity>? stopped = null)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == _name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => sample?.Invoke() ?? ActivitySamplingResult.AllData,
            ActivityStarted = started,
            ActivityStopped = stopped,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
