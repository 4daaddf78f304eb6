using System.CommandLine;
using SocketKit.Load.Reporting;
using SocketKit.Load.Serving;
using SocketKit.Load.Stalls;

namespace SocketKit.Load.Measuring;

/// <summary>How long somebody waited for handlers that block, in milliseconds.</summary>
/// <param name="Late">Rounds that took longer than <paramref name="Bound"/>.</param>
internal sealed record StallResult(int Rounds, double Median, double Longest, double Bound, int Late);

/// <summary><c>measure stalls</c>: whom handlers that block make wait, and how long.</summary>
internal static class StallsMeasurement
{
    private const string Name = "stalls";

    private static readonly string[] AllCases = [.. StallCases.All.Select(one => one.Name)];
    private static readonly string[] AllEngines = ["epoll", "sockets"];

    public static Command Create()
    {
        var cases = MeasureCommand.Choice("--cases", "Who waits.", AllCases);
        var engines = MeasureCommand.Choice("--engines", "On which engines.", AllEngines);
        var rounds = MeasureCommand.Count("--rounds", "How often each.", 20);
        var crowd = MeasureCommand.Count("--crowd", "How many handlers block at once beside the newcomer.", 100);
        var loops = MeasureCommand.CountOrNone("--loops", "Busy processes beside it.", 1);
        Option<string?> json = new("--json") { Description = "Write the figures to this file." };
        const string Description = "How long a newcomer, a stop and a client's own end wait for handlers that block. Ends with 1 if a round takes longer than it may.";
        var command = new Command(Name, Description) { cases, engines, rounds, crowd, loops, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var table = new Table(["Engine", "Who waits", "rounds", "median, ms", "longest, ms", "may take, ms", "late"]);
            var results = new Dictionary<string, StallResult>();
            using var spinners = SpinCommand.Start(arguments.GetValue(loops));
            foreach (var engine in arguments.GetValue(engines)!.Where(EngineChoice.IsPresent))
            {
                foreach (var one in StallCases.All.Where(one => arguments.GetValue(cases)!.Contains(one.Name)))
                {
                    // A newcomer to the portable engine waits for the pool, as every handler there does.
                    if (engine == "sockets" && one.Name == "newcomer")
                    {
                        continue;
                    }

                    var result = await RunAsync(one, engine, arguments.GetValue(rounds), arguments.GetValue(crowd), cancellationToken);
                    results.Add($"{engine} {one.Name}", result);
                    table.Add([engine, one.Title, $"{result.Rounds}", MarkdownReport.Number(result.Median), MarkdownReport.Number(result.Longest),
                        MarkdownReport.Number(result.Bound), $"{result.Late}"]);
                }
            }

            await MeasureCommand.ReportAsync(Name, [], table, results, arguments.GetValue(json));
            return results.Values.All(result => result.Late == 0) ? 0 : 1;
        });
        return command;
    }

    private static async Task<StallResult> RunAsync(StallCase one, string engine, int rounds, int crowd, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            times.Add((await one.RunAsync(EngineChoice.Of(engine), crowd)).TotalMilliseconds);
            if (times[^1] > one.Bound.TotalMilliseconds)
            {
                Console.Error.WriteLine($"{engine}, {one.Title}: round {round + 1} took {times[^1]:N0} ms");
            }
        }

        return new StallResult(rounds, Statistics.Median(times), times.Max(), one.Bound.TotalMilliseconds, times.Count(time => time > one.Bound.TotalMilliseconds));
    }
}
