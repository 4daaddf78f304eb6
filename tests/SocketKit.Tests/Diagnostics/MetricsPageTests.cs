using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

public partial class MetricsPageTests
{
    [Theory]
    [InlineData("docs/metrics-and-logs.md", "counter", "up-down counter", "histogram", "gauge")]
    [InlineData("docs/zh-CN/metrics-and-logs.md", "计数器", "可增减计数器", "直方图", "瞬时值")]
    public void The_table_of_instruments_is_that_of_the_code(string page, string counter, string upDown, string histogram, string gauge)
    {
        var published = new List<string>();
        using (var listener = new MeterListener())
        {
            listener.InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == "SocketKit")
                {
                    var kind = instrument switch
                    {
                        Counter<long> or ObservableCounter<long> => counter,
                        ObservableUpDownCounter<long> => upDown,
                        Histogram<double> => histogram,
                        ObservableGauge<double> => gauge,
                        _ => instrument.GetType().Name,
                    };
                    published.Add($"{instrument.Name} {kind} {instrument.Unit}");
                    instrument.Description.Should().NotBeNullOrEmpty().And.EndWith(".");
                }
            };
            SocketKitMetrics.Publish();
            listener.Start();
        }

        var documented = Row().Matches(File.ReadAllText(Repository.PathOf(page))).Select(row => $"{row.Groups["name"].Value} {row.Groups["kind"].Value} {row.Groups["unit"].Value}");
        documented.Should().BeEquivalentTo(published);
    }

    // | `socketkit.accept.errors` | counter | `{error}` | ...
    [GeneratedRegex(@"^\| `(?<name>socketkit\.[\w.]+)` \| (?<kind>[^|]+) \| `(?<unit>[^`]+)` \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();
}
