using System.CommandLine;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Measuring;

/// <summary>How long one message to all takes.</summary>
/// <param name="MedianMilliseconds">From its sending by one of them until the last one has it.</param>
internal sealed record FanoutResult(int Connections, int Messages, double MedianMilliseconds, double WorstMilliseconds, double MicrosecondsPerConnection);

/// <summary><c>measure fanout</c>.</summary>
internal static class FanoutMeasurement
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly Option<int> Connections = MeasureCommand.Count("--connections", "How many get the message.", 5_000);
    private static readonly Option<int> Messages = MeasureCommand.Count("--messages", "How many messages are measured, one after the other.", 200);
    private static readonly Option<int> WarmUp = MeasureCommand.Count("--warm-up", "How many before that.", 100);

    public static Command Create() => MeasureCommand.Measurement(
        "fanout", "One message to all connections: the time until the last one has it.", ["epoll", "sockets"], [Connections, Messages, WarmUp],
        ["connections", "median, ms", "worst, ms", "us/connection"], MeasureAsync,
        result => [$"{result.Connections:N0}", $"{result.MedianMilliseconds:0.00}", $"{result.WorstMilliseconds:0.00}", $"{result.MicrosecondsPerConnection:0.00}"], oursOnly: true);

    private static async Task<FanoutResult> MeasureAsync(Turn turn)
    {
        var count = turn.Arguments.GetValue(Connections);
        await using var server = await turn.StartAsync("--handler", "broadcast");
        using var crowd = new Crowd(server.EndPoint, size: 32);
        turn.Drive(() =>
        {
            crowd.Join(count, greet: false);
            return 0;
        });

        // Whom the server does not know yet would get nothing.
        for (var waited = TimeSpan.Zero; server.Stats(collect: false)?.Connections != count; waited += TimeSpan.FromMilliseconds(50))
        {
            if (waited > Patience)
            {
                throw new TimeoutException($"The server does not have {count} connections after {Patience.TotalSeconds} s.");
            }

            await Task.Delay(50);
        }

        turn.Tell($"messages to {count:N0} connections");
        var times = turn.Drive(() =>
        {
            for (var i = 0; i < turn.Arguments.GetValue(WarmUp); i++)
            {
                crowd.FanOut();
            }

            return Enumerable.Range(0, turn.Arguments.GetValue(Messages)).Select(_ => crowd.FanOut().TotalMilliseconds).ToArray();
        });
        var median = Statistics.Median(times);
        return new FanoutResult(count, times.Length, median, times.Max(), median * 1000 / count);
    }
}
