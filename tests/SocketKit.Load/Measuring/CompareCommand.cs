using System.CommandLine;
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
        Option<bool> tls = new(Contender.Tls) { Description = "Everybody speaks TLS; who does not is left out." };
        Option<string?> markdown = new("--markdown") { Description = "Write the tables to this file too." };
        Option<string?> svg = new("--svg") { Description = "Draw the figures into this file." };
        Option<string?> json = new("--json") { Description = "Write everything to this file." };
        var rounds = new RoundOptions(firstWarmUp: 10);
        var pins = new Pins();

        Command command = new("compare", "Compares servers: medians over the rounds, and ratios within a round.") { servers, loads, tls, markdown, svg, json };
        rounds.AddTo(command);
        pins.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var (present, missing) = Contender.Choose(arguments.GetValue(servers)!, arguments.GetValue(tls) ? static one => one.MissingOverTls : null);
            if (arguments.GetValue(tls))
            {
                present = [.. present.Select(one => one.OverTls())];
                missing = ["Everybody speaks TLS; the plain loops are loops over an `SslStream`.", .. missing];
            }

            var scenarios = Scenario.All.Where(one => arguments.GetValue(loads)!.Contains(one.Name)).ToArray();
            var comparison = await RunAsync(present, missing, scenarios, rounds.Of(arguments), pins.Of(arguments), cancellationToken);
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

    private static async Task<Comparison> RunAsync(Contender[] contenders, string[] missing, Scenario[] scenarios, Rounds rounds, (int? Server, int? Load) pins, CancellationToken cancellationToken)
    {
        var rows = new List<ComparisonRow>();
        var disturbance = 0.0;
        foreach (var scenario in scenarios)
        {
            var results = await rounds.RunAsync(contenders, scenario.Load, pins, cancellationToken);
            disturbance = Math.Max(disturbance, Disturbance.In(results.Values));
            rows.AddRange(Comparison.RowsOf(scenario, contenders, results));
        }

        return new Comparison(Machine.Describe(), rounds.Count, rounds.Seconds, rounds.FirstWarmUp, rounds.WarmUp, [.. missing, .. Disturbance.Warning(disturbance)], [.. rows]);
    }
}
