using System.CommandLine;
using SocketKit.Load.Driving;
using SocketKit.Load.Reporting;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Measuring;

/// <summary>What a transport makes of a web app: medians over the rounds.</summary>
/// <param name="OfOwnTransport">Median over the rounds of the requests per second by those on Kestrel's own transport in the same round, or
/// null without it.</param>
/// <param name="Lowest">Requests per second in the slowest round.</param>
/// <param name="Highest">In the fastest.</param>
internal sealed record HttpResult(
    double RequestsPerSecond, double Lowest, double Highest, double? OfOwnTransport, double P50, double P99, double ServerMicrosecondsPerRequest, double? ServerBytesPerRequest, LoadResult[] Rounds)
{
    /// <param name="rounds">Of this server.</param>
    /// <param name="own">Of the one on Kestrel's own transport, or null when it takes no part.</param>
    public static HttpResult Of(IReadOnlyList<LoadResult> rounds, IReadOnlyList<LoadResult>? own)
    {
        var rates = Rates(rounds);
        return new HttpResult(Statistics.Median(rates), rates.Min(), rates.Max(), own is null ? null : Statistics.MedianRatio(rates, Rates(own)),
            Statistics.Median(rounds.Select(one => one.Latency.P50)), Statistics.Median(rounds.Select(one => one.Latency.P99)),
            Statistics.Median(rounds.Select(one => one.ServerMicrosecondsPerMessage ?? 0)),
            rounds.All(one => one.ServerBytesPerMessage is not null) ? Statistics.Median(rounds.Select(one => one.ServerBytesPerMessage!.Value)) : null, [.. rounds]);
    }

    private static double[] Rates(IReadOnlyList<LoadResult> rounds) => [.. rounds.Select(one => one.MessagesPerSecond)];
}

/// <summary><c>measure http</c>: unlike the other measurements in rounds, as it is about the ratio of two.</summary>
internal static class HttpMeasurement
{
    private const string Name = "http";

    public static Command Create()
    {
        Option<string[]> servers = new("--servers")
        {
            Description = "Who takes part, in this order.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [.. Contender.Http.Select(one => one.Name)],
        };
        servers.AcceptOnlyFromAmong([.. Contender.Http.Select(one => one.Name)]);
        Option<string?> json = new("--json") { Description = "Write the figures to this file." };
        var connections = MeasureCommand.Count("--connections", "How many, kept alive.", 64);
        var depth = MeasureCommand.Count("--depth", "Requests in flight per connection; more than one are pipelined.", 1);
        // After 10 s Kestrel's own transport still gains from round to round, which would flatter the other one.
        var rounds = new RoundOptions(firstWarmUp: 30);
        var pins = new Pins();
        Command command = new(Name, "Requests per second of a small web app on Kestrel, with its own transport and with SocketKit's, in turn: medians over the rounds, and the ratio within a round. Every response is checked.")
        {
            servers, json, connections, depth,
        };
        rounds.AddTo(command);
        pins.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var contenders = arguments.GetValue(servers)!.Distinct().Select(name => Contender.Http.First(one => one.Name == name)).ToArray();
            var load = LoadOptions.Http(arguments.GetValue(connections), arguments.GetValue(depth));
            var results = await rounds.Of(arguments).RunAsync(contenders, load, pins.Of(arguments), cancellationToken);
            var own = results.FirstOrDefault(one => one.Key.Name == ServeOptions.Http).Value;
            var table = new Table("Server", "requests/s", "lowest - highest", "own transport = 1", "p50, us", "p99, us", "server's CPU, us/request", "allocated, B/request");
            var figures = new Dictionary<string, HttpResult>();
            foreach (var contender in contenders)
            {
                var result = HttpResult.Of(results[contender], own);
                figures.Add(contender.Name, result);
                table.Add(
                    contender.Title, MarkdownReport.Number(result.RequestsPerSecond), $"{MarkdownReport.Number(result.Lowest)} - {MarkdownReport.Number(result.Highest)}",
                    MarkdownReport.Fixed(result.OfOwnTransport, "0.00"), MarkdownReport.Number(result.P50), MarkdownReport.Number(result.P99),
                    MarkdownReport.Fixed(result.ServerMicrosecondsPerRequest, "0.00"), MarkdownReport.Fixed(result.ServerBytesPerRequest, "0"));
            }

            await MeasureCommand.ReportAsync(Name, Disturbance.Warning(Disturbance.In(results.Values)), table, figures, arguments.GetValue(json));
        });
        return command;
    }
}
