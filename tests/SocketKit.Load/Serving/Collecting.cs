using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace SocketKit.Load.Serving;

/// <summary>
/// Every instrument of the library, collected by the OpenTelemetry SDK as an application would, and more often. What is collected goes
/// nowhere.
/// </summary>
internal static class Collecting
{
    private const int Milliseconds = 1000;

    public static IDisposable Start() => Sdk.CreateMeterProviderBuilder()
        .AddMeter("SocketKit")
        .AddReader(new PeriodicExportingMetricReader(new Nowhere(), Milliseconds))
        .Build();

    private sealed class Nowhere : BaseExporter<Metric>
    {
        public override ExportResult Export(in Batch<Metric> batch)
        {
            foreach (var metric in batch)
            {
                foreach (ref readonly var point in metric.GetMetricPoints())
                {
                    _ = point.EndTime;
                }
            }

            return ExportResult.Success;
        }
    }
}
