using System.Text.Json;
using SocketKit.Load.Driving;
using SocketKit.Load.Measuring;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Tests.Measuring;

public class HttpMeasurementTests
{
    [Fact]
    public void Ratios_are_taken_within_a_round_and_figures_are_medians()
    {
        List<LoadResult> ours = [Results.Of(200, p50: 10), Results.Of(100, p50: 30), Results.Of(300, p50: 20)];
        List<LoadResult> own = [Results.Of(100), Results.Of(50), Results.Of(100)];

        var result = HttpResult.Of(ours, own);

        result.RequestsPerSecond.Should().Be(200);
        result.Lowest.Should().Be(100);
        result.Highest.Should().Be(300);
        result.OfOwnTransport.Should().Be(2);
        result.P50.Should().Be(20);
        result.P99.Should().Be(60);
        result.ServerMicrosecondsPerRequest.Should().Be(5);
        result.ServerBytesPerRequest.Should().Be(0);
        result.Rounds.Should().Equal(ours);
    }

    [Fact]
    public void Alone_there_is_no_ratio()
    {
        HttpResult.Of([Results.Of(200)], own: null).OfOwnTransport.Should().BeNull();
    }

    [Fact]
    public async Task A_run_writes_the_figures_of_both_and_every_round()
    {
        var path = Path.GetTempFileName();
        try
        {
            var run = CommandLine.Create().Parse(["measure", "http", "--connections", "4", "--depth", "2", "--rounds", "2", "--seconds", "2", "--first-warm-up", "1", "--warm-up", "0", "--json", path]);

            (await Task.Run(() => run.InvokeAsync()).WaitAsync(TimeSpan.FromSeconds(60))).Should().Be(0);

            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(path));
            json.RootElement.GetProperty("measurement").GetString().Should().Be("http");
            foreach (var kind in ServeOptions.HttpKinds)
            {
                var result = json.RootElement.GetProperty("results").GetProperty(kind);
                result.GetProperty("requestsPerSecond").GetDouble().Should().BePositive();
                result.GetProperty("ofOwnTransport").GetDouble().Should().BePositive();
                result.GetProperty("serverBytesPerRequest").GetDouble().Should().BeGreaterThanOrEqualTo(0);
                result.GetProperty("rounds").GetArrayLength().Should().Be(2);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }
}
