using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>Sums of one counter of the library from the moment when this is made, by its <c>error.type</c>.</summary>
internal sealed class Measurements : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _sums = new();

    public Measurements(string counter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "SocketKit" && instrument.Name == counter)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var type = "";
            foreach (var tag in tags)
            {
                type = tag.Key == "error.type" ? tag.Value as string ?? "" : type;
            }

            _sums.AddOrUpdate(type, value, (_, sum) => sum + value);
        });
        _listener.Start();
    }

    public long Sum(string errorType = "") => _sums.GetValueOrDefault(errorType);

    public void Dispose() => _listener.Dispose();
}
