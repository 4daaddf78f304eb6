using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

[Collection(ListeningTests.Name)]
[Trait("Fault", "X02")]
public class SafeInstrumentsTests
{
    /// <summary>Every instrument of the library that is measured by calls.</summary>
    public static TheoryData<string> Measured => [.. Properties.Select(property => property.Name)];

    private static IEnumerable<PropertyInfo> Properties => typeof(SocketKitMetrics).GetProperties(BindingFlags.Static | BindingFlags.Public)
        .Where(property => property.PropertyType == typeof(SafeCounter) || property.PropertyType == typeof(SafeHistogram));

    [Theory]
    [MemberData(nameof(Measured))]
    public void A_listener_that_throws_is_noticed_at_no_instrument(string property)
    {
        var instrument = Properties.Single(candidate => candidate.Name == property).GetValue(null)!;
        var name = (instrument as SafeCounter)?.Name ?? ((SafeHistogram)instrument).Name;
        using var listener = Throwing("SocketKit", name);
        var before = ObserverFailures.Meters;
        if (instrument is SafeCounter counter)
        {
            counter.Enabled.Should().BeTrue();
            counter.Add(1);
            counter.Add(1, new KeyValuePair<string, object?>("a", "b"));
            counter.Add(1, new TagList { { "a", "b" } });
        }
        else
        {
            var histogram = (SafeHistogram)instrument;
            histogram.Enabled.Should().BeTrue();
            histogram.Record(1, new TagList { { "a", "b" } });
        }

        (ObserverFailures.Meters - before).Should().Be(instrument is SafeCounter ? 3 : 1);
    }

    [Fact]
    public void There_is_no_way_around_the_guard()
    {
        Properties.Should().HaveCountGreaterThan(14);
        typeof(SocketKitMetrics).GetMembers(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(member => member is PropertyInfo { PropertyType: { } type } && typeof(Instrument).IsAssignableFrom(type) && !type.Name.StartsWith("Observable", StringComparison.Ordinal))
            .Should().BeEmpty();
    }

    [Fact]
    public void An_instrument_exists_although_a_listener_throws_when_it_is_published()
    {
        using var meter = new Meter("SocketKit.Test." + Guid.NewGuid().ToString("N"));
        using var thrower = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter == meter)
                {
                    throw new FormatException("published");
                }
            },
        };
        thrower.Start();
        var before = ObserverFailures.Meters;
        var make = new SafeInstruments(meter);
        var counter = make.Counter("a", "{a}", "A.");
        var histogram = make.Seconds("b", "B.", [1, 2]);
        var observable = make.ObservableCounter("c", static () => [new Measurement<long>(3)], "{c}", "C.");
        make.ObservableUpDownCounter("d", static () => [], "{d}", "D.").Name.Should().Be("d");
        make.ObservableGauge("e", static () => [], "{e}", "E.").Name.Should().Be("e");

        (ObserverFailures.Meters - before).Should().Be(5);
        var seen = new List<double>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) => Enable(instrument, self, meter.Name) };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => seen.Add(value));
        listener.SetMeasurementEventCallback<double>((_, value, _, _) => seen.Add(value));
        listener.Start();
        counter.Add(1);
        histogram.Record(2, default);
        listener.RecordObservableInstruments();
        seen.Should().Equal(1, 2, 3);
        observable.Meter.Should().BeSameAs(meter);
    }

    [Fact]
    public void A_gauge_that_cannot_be_read_tells_nothing_and_throws_nothing()
    {
        using var meter = new Meter("SocketKit.Test." + Guid.NewGuid().ToString("N"));
        var make = new SafeInstruments(meter);
        make.ObservableUpDownCounter("broken", static () => Broken(), "{a}", "A.");
        make.ObservableUpDownCounter("whole", static () => [new Measurement<long>(5)], "{a}", "A.");
        var seen = new List<long>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) => Enable(instrument, self, meter.Name) };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => seen.Add(value));
        listener.Start();

        listener.RecordObservableInstruments();

        seen.Should().Equal(5);

        static IEnumerable<Measurement<long>> Broken()
        {
            yield return new Measurement<long>(1);
            throw new FormatException("a wire");
        }
    }

    [Fact]
    public void Failures_are_counted_by_a_metric_that_calls_nobody()
    {
        var counts = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "SocketKit" && instrument.Name == "socketkit.observer_failures")
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => counts[(string)tags[0].Value!] = value);
        SocketKitMetrics.Publish();
        listener.Start();
        listener.RecordObservableInstruments();
        var before = new Dictionary<string, long>(counts);

        ObserverFailures.CountLogger();
        ObserverFailures.CountMeter();
        ObserverFailures.CountMeter();
        ObserverFailures.CountActivity();
        listener.RecordObservableInstruments();

        counts.Keys.Should().BeEquivalentTo("logger", "meter", "activity");
        (counts["logger"] - before["logger"]).Should().BeGreaterThanOrEqualTo(1);
        (counts["meter"] - before["meter"]).Should().Be(2);
        (counts["activity"] - before["activity"]).Should().Be(1);
    }

    private static MeterListener Throwing(string meter, string name)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == meter && instrument.Name == name)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new FormatException("long"));
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => throw new FormatException("double"));
        listener.Start();
        return listener;
    }

    private static void Enable(Instrument instrument, MeterListener listener, string meter)
    {
        if (instrument.Meter.Name == meter)
        {
            listener.EnableMeasurementEvents(instrument);
        }
    }
}
