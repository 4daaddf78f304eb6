using System.CommandLine;
using SocketKit.Load.Driving;
using SocketKit.Load.Reporting;

namespace SocketKit.Load.Measuring;

/// <summary><c>compare</c>: servers in turn, in processes of their own, several rounds.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Option<string[]> servers = new("--servers")
        {
            Description = "Who takes part, in this order.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => ["epoll", "sockets", Contender.C, "plain", Contender.Kestrel, "dotnetty"],
        };
        servers.AcceptOnlyFromAmong([.. Contender.All.Select(one => one.Name)]);
        Option<string[]> loads = new("--loads")
        {
            Description = "Which loads.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [.. Scenario.All.Select(one => one.Name)],
        };
        loads.AcceptOnlyFromAmong([.. Scenario.All.Select(one => one.Name)]);
        Option<int> rounds = new("--rounds") { Description = "How often everyone has a turn.", DefaultValueFactory = _ => 5 };
        Option<double> seconds = new("--seconds") { Description = "How long a turn is measured.", DefaultValueFactory = _ => 3 };
        Option<double> firstWarmUp = new("--first-warm-up")
        {
            Description = "Seconds of the same load before a server's first turn: on one processor the compiler takes that long to optimize what is hot.",
            DefaultValueFactory = _ => 10,
        };
        Option<double> warmUp = new("--warm-up") { Description = "Seconds of the same load before its other turns.", DefaultValueFactory = _ => 2 };
        Option<string?> markdown = new("--markdown") { Description = "Write the tables to this file too." };
        Option<string?> svg = new("--svg") { Description = "Draw the figures into this file." };
        Option<string?> json = new("--json") { Description = "Write everything to this file." };
        rounds.AtLeast(1);
        seconds.AtLeast(0.1);
        firstWarmUp.AtLeast(0);
        warmUp.AtLeast(0);
        var pins = new Pins();

        Command command = new("compare", "Compares servers: medians over the rounds, and ratios within a round.") { servers, loads, rounds, seconds, firstWarmUp, warmUp, markdown, svg, json };
        pins.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var (present, missing) = Contender.Choose(arguments.GetValue(servers)!);
            var scenarios = Scenario.All.Where(one => arguments.GetValue(loads)!.Contains(one.Name)).ToArray();
            var times = new Times(arguments.GetValue(rounds), arguments.GetValue(seconds), arguments.GetValue(firstWarmUp), arguments.GetValue(warmUp));
            var comparison = await RunAsync(present, missing, scenarios, times, pins.Of(arguments), cancellationToken);
            var tables = MarkdownReport.Of(comparison);
            Console.Write(tables);
            if (arguments.GetValue(markdown) is { } path)
            {
                await File.WriteAllTextAsync(path, tables, CancellationToken.None);
            }

            if (arguments.GetValue(svg) is { } drawing)
            {
                await File.WriteAllTextAsync(drawing, BarChart.Of(comparison), CancellationToken.None);
            }

            await Json.WriteAsync(arguments.GetValue(json), comparison);
        });
        return command;
    }

    private static async Task<Comparison> RunAsync(Contender[] contenders, string[] missing, Scenario[] scenarios, Times times, (int? Server, int? Load) pins, CancellationToken cancellationToken)
    {
        var rows = new List<ComparisonRow>();
        var disturbance = 0.0;
        foreach (var scenario in scenarios)
        {
            var results = await RunAsync(contenders, scenario, times, pins, cancellationToken);
            disturbance = Math.Max(disturbance, Statistics.Median(results.Values.SelectMany(rounds => rounds).Select(one => one.OthersShare ?? 0)));
            rows.AddRange(Comparison.RowsOf(scenario, contenders, results));
        }

        return new Comparison(Machine.Describe(), times.Rounds, times.Seconds, times.FirstWarmUp, times.WarmUp, [.. missing, .. Disturbance.Warning(disturbance)], [.. rows]);
    }

    /// <summary>All rounds of one load. The servers stay between their turns, and do nothing then.</summary>
    private static async Task<Dictionary<Contender, List<LoadResult>>> RunAsync(
        Contender[] contenders, Scenario scenario, Times times, (int? Server, int? Load) pins, CancellationToken cancellationToken)
    {
        var results = contenders.ToDictionary(one => one, _ => new List<LoadResult>());
        var servers = new Dictionary<Contender, ServerProcess>();
        try
        {
            for (var round = 1; round <= times.Rounds; round++)
            {
                foreach (var contender in contenders)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (!servers.TryGetValue(contender, out var server))
                    {
                        servers.Add(contender, server = await ServerProcess.StartAsync(contender, pins.Server));
                    }

                    var load = scenario.Load with
                    {
                        Server = server.EndPoint,
                        Time = TimeSpan.FromSeconds(times.Seconds),
                        WarmUp = TimeSpan.FromSeconds(round == 1 ? times.FirstWarmUp : times.WarmUp),
                        FirstProcessor = pins.Load,
                    };
                    var result = Driver.Run(load, server);
                    results[contender].Add(result);
                    await Console.Error.WriteLineAsync(string.Create(null,
                        $"round {round} of {times.Rounds}, {load.Text}, {contender.Title}: {result.MessagesPerSecond:N0} messages/s, p50 {result.Latency.P50:0.0} us, p99 {result.Latency.P99:0.0} us, server {result.ServerShare:P0}, load {result.LoadShare:P0}, others {result.OthersShare:P0} of a processor"));
                }
            }
        }
        finally
        {
            foreach (var server in servers.Values)
            {
                await server.DisposeAsync();
            }
        }

        return results;
    }

    /// <summary>Rounds, and seconds.</summary>
    private sealed record Times(int Rounds, double Seconds, double FirstWarmUp, double WarmUp);
}
