using System.Diagnostics.Metrics;

namespace SocketKit.Tests.TestDoubles;

/// <summary>
/// Listens to one of the library's counters, as an application's exporter does. It counts for the whole process, so tests compare with a
/// value taken before.
/// </summary>
internal sealed class MeterCount : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _count;

    public MeterCount(string name)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "SocketKit" && instrument.Name == name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _count, value));
        _listener.Start();
    }

    public long Count => Interlocked.Read(ref _count);

    public void Dispose() => _listener.Dispose();
}
