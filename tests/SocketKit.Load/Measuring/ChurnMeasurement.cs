using System.CommandLine;
using SocketKit.Load.Driving;
using SocketKit.Load.Reporting;

namespace SocketKit.Load.Measuring;

/// <summary><c>measure churn</c>.</summary>
internal static class ChurnMeasurement
{
    private static readonly Option<int> AtOnce = MeasureCommand.Count("--connections", "How many live at once.", 32);
    private static readonly Option<double> Seconds = MeasureCommand.Seconds("--seconds", "How long is measured.", 5);
    private static readonly Option<double> WarmUp = MeasureCommand.Seconds("--warm-up", "Seconds of the same before that.", 10);

    public static Command Create() => MeasureCommand.Measurement(
        "churn", "Connections per second that are accepted, have one message echoed and are closed.", ["epoll", "sockets", Contender.C, Contender.Kestrel], [AtOnce, Seconds, WarmUp],
        ["connections/s", "p50, us", "p99, us", "server's CPU, us/connection"], MeasureAsync,
        result => [MarkdownReport.Number(result.ConnectionsPerSecond), MarkdownReport.Number(result.Latency.P50), MarkdownReport.Number(result.Latency.P99),
            MarkdownReport.Number(result.ServerMicrosecondsPerConnection ?? 0)]);

    private static async Task<ChurnResult> MeasureAsync(Turn turn)
    {
        await using var server = await turn.StartAsync();
        using var churn = new Churn(server.EndPoint, turn.Arguments.GetValue(AtOnce), size: 32);
        turn.Tell("connections come and go");
        return turn.Drive(() => churn.Run(TimeSpan.FromSeconds(turn.Arguments.GetValue(WarmUp)), TimeSpan.FromSeconds(turn.Arguments.GetValue(Seconds)), server));
    }
}
