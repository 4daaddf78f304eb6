using System.CommandLine;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Measuring;

/// <summary>Processor time per message with more and more connections.</summary>
/// <param name="Ratio">Of most connections by that of 100.</param>
internal sealed record GrowthResult(LoadResult[] Loads, double Ratio);

/// <summary><c>measure growth</c>.</summary>
internal static class GrowthMeasurement
{
    private const int Base = 100;

    private static readonly int[] Connections = [10, Base, 1_000, 10_000];

    private static readonly Option<double> Seconds = MeasureCommand.Seconds("--seconds", "How long each number is measured.", 5);
    private static readonly Option<double> FirstWarmUp = MeasureCommand.Seconds("--first-warm-up", "Seconds of the same before the first number.", 10);
    private static readonly Option<double> WarmUp = MeasureCommand.Seconds("--warm-up", "Seconds of the same before the others.", 3);

    public static Command Create() => MeasureCommand.Measurement(
        "growth", "Processor time of the server per message, with 10 to 10,000 connections that all have one message in flight.", ["epoll", "sockets", Contender.C], [Seconds, FirstWarmUp, WarmUp],
        [.. Connections.Select(count => $"{count:N0} connections, us/message"), "most by 100"], MeasureAsync,
        result => [.. result.Loads.Select(load => $"{load.ServerMicrosecondsPerMessage:0.00}"), $"{result.Ratio:0.00}"]);

    private static async Task<GrowthResult> MeasureAsync(Turn turn)
    {
        var loads = new List<LoadResult>();
        await using var server = await turn.StartAsync();
        foreach (var count in Connections)
        {
            var load = new LoadOptions(count, Depth: 1, Size: 32)
            {
                Server = server.EndPoint,
                Time = TimeSpan.FromSeconds(turn.Arguments.GetValue(Seconds)),
                WarmUp = TimeSpan.FromSeconds(turn.Arguments.GetValue(loads.Count == 0 ? FirstWarmUp : WarmUp)),
                FirstProcessor = turn.LoadProcessor,
            };
            var result = Driver.Run(load, server);
            turn.Tell($"{load.Text}: {result.MessagesPerSecond:N0} messages/s, {result.ServerMicrosecondsPerMessage:0.00} us of processor time per message, p99 {result.Latency.P99:N0} us");
            loads.Add(result);
        }

        var ratio = loads[^1].ServerMicrosecondsPerMessage!.Value / loads.First(load => load.Connections == Base).ServerMicrosecondsPerMessage!.Value;
        return new GrowthResult([.. loads], ratio);
    }
}
