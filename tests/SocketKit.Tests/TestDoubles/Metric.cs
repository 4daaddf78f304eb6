using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace SocketKit.Tests.TestDoubles;

/// <summary>
/// Tests that listen to instruments or spans. Whoever listens makes every connection of the process measure, so these run alone: others
/// count allocations.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ListeningTests
{
    public const string Name = "listening";
}

/// <summary>What one instrument says of the servers and clients with one name.</summary>
internal sealed class Metric<T>(string instrument, string owner) : IDisposable
    where T : struct
{
    private readonly MetricCollector<T> _collector = new(null, "SocketKit", instrument);

    public Instrument Instrument => _collector.Instrument!;

    public IReadOnlyList<CollectedMeasurement<T>> All =>
        [.. _collector.GetMeasurementSnapshot().Where(measurement => measurement.Tags.GetValueOrDefault("socketkit.name") as string == owner)];

    /// <summary>What is measured now, of an instrument that is asked.</summary>
    public IReadOnlyList<CollectedMeasurement<T>> Observe()
    {
        _collector.Clear();
        _collector.RecordObservableInstruments();
        return All;
    }

    public void Dispose() => _collector.Dispose();
}
