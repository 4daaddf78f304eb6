using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SocketKit.Diagnostics;

/// <summary>
/// Makes the instruments of one meter, and is the one guard around them: a listener may throw when an instrument is published, measured or
/// read, and whoever measures does not notice.
/// </summary>
internal sealed class SafeInstruments(Meter meter)
{
    public SafeCounter Counter(string name, string unit, string description) =>
        new(Make(name, () => meter.CreateCounter<long>(name, unit, description)));

    public SafeHistogram Seconds(string name, string description, double[] boundaries) =>
        new(Make(name, () => meter.CreateHistogram(name, "s", description, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = boundaries })));

    public ObservableCounter<long> ObservableCounter(string name, Func<IEnumerable<Measurement<long>>> observe, string unit, string description) =>
        Make(name, () => meter.CreateObservableCounter(name, Guard(observe), unit, description));

    public ObservableUpDownCounter<long> ObservableUpDownCounter(string name, Func<IEnumerable<Measurement<long>>> observe, string unit, string description) =>
        Make(name, () => meter.CreateObservableUpDownCounter(name, Guard(observe), unit, description));

    public ObservableGauge<double> ObservableGauge(string name, Func<IEnumerable<Measurement<double>>> observe, string unit, string description) =>
        Make(name, () => meter.CreateObservableGauge(name, Guard(observe), unit, description));

    /// <summary>Whoever reads a gauge is told what there is, and not what has failed.</summary>
    private static Func<IEnumerable<Measurement<T>>> Guard<T>(Func<IEnumerable<Measurement<T>>> observe)
        where T : struct => () =>
        {
            try
            {
                return [.. observe()];
            }
#pragma warning disable CA1031 // A wire of somebody else's may throw when it is asked for its counts.
            catch (Exception)
#pragma warning restore CA1031
            {
                ObserverFailures.CountMeter();
                return [];
            }
        };

    private T Make<T>(string name, Func<T> create)
        where T : Instrument
    {
        try
        {
            return create();
        }
#pragma warning disable CA1031 // Listeners are told of an instrument while it is made. It exists all the same.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountMeter();
            if (Find<T>(name) is { } made)
            {
                return made;
            }

            throw;
        }
    }

    private T? Find<T>(string name)
        where T : Instrument
    {
        T? found = null;
        using var finder = new MeterListener
        {
            InstrumentPublished = (instrument, _) => found ??= instrument.Meter == meter && instrument.Name == name ? instrument as T : null,
        };
        finder.Start();
        return found;
    }
}

/// <summary>A counter whose listeners may throw. Adding while nobody listens is a comparison.</summary>
internal sealed class SafeCounter(Counter<long> inner)
{
    public bool Enabled => inner.Enabled;

    public string Name => inner.Name;

    public void Add(long delta, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (!inner.Enabled)
        {
            return;
        }

        try
        {
            inner.Add(delta, tags);
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountMeter();
        }
    }

    public void Add(long delta, in TagList tags)
    {
        if (!inner.Enabled)
        {
            return;
        }

        try
        {
            inner.Add(delta, tags);
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountMeter();
        }
    }
}

/// <summary>A histogram whose listeners may throw.</summary>
internal sealed class SafeHistogram(Histogram<double> inner)
{
    public bool Enabled => inner.Enabled;

    public string Name => inner.Name;

    public void Record(double value, in TagList tags)
    {
        if (!inner.Enabled)
        {
            return;
        }

        try
        {
            inner.Record(value, tags);
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountMeter();
        }
    }
}
