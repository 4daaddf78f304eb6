using System.CommandLine;
using SocketKit.Load.Reporting;

namespace SocketKit.Load.Measuring;

/// <summary>One server's turn in a measurement.</summary>
internal sealed record Turn(Contender Contender, ParseResult Arguments, int? ServerProcessor, int? LoadProcessor)
{
    /// <summary>Starts the server, on its processor.</summary>
    public Task<ServerProcess> StartAsync(params string[] arguments) => ServerProcess.StartAsync(Contender, ServerProcessor, arguments);

    public void Tell(string progress) => Console.Error.WriteLine($"{Contender.Title}: {progress}");

    /// <summary>Runs what drives the server on a thread that stays on the load's processor.</summary>
    public T Drive<T>(Func<T> work)
    {
        var result = Task.Factory.StartNew(() =>
        {
            if (LoadProcessor is { } processor)
            {
                Processors.PinThisThread(processor);
            }

            return work();
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return result.GetAwaiter().GetResult();
    }
}

/// <summary><c>measure</c>: what the comparison does not show.</summary>
internal static class MeasureCommand
{
    public static Command Create() => new(
        "measure", "Measures one thing: idle connections, short ones, fan-out, handlers that block and who waits for them, growth, a web app, clients that pause, the ends of TLS connections.")
    {
        IdleMeasurement.Create(), ChurnMeasurement.Create(), BusyMeasurement.Create(), FanoutMeasurement.Create(), BlockingMeasurement.Create(), GrowthMeasurement.Create(),
        StallsMeasurement.Create(), HttpMeasurement.Create(), Http2Measurement.Create(), PausesMeasurement.Create(), TlsCloseMeasurement.Create(),
    };

    /// <summary>A measurement of one server after the other, printed as a table.</summary>
    /// <param name="servers">Who takes part unless the user says otherwise.</param>
    /// <param name="header">The table's columns after the server's.</param>
    /// <param name="cells">What stands in them.</param>
    /// <param name="oursOnly">Other servers cannot do it.</param>
    /// <param name="pinned">The server and the load have a processor each, where there are two.</param>
    public static Command Measurement<T>(
        string name, string description, string[] servers, Option[] options, string[] header, Func<Turn, Task<T>> measure, Func<T,
            string[]> cells, bool oursOnly = false,
        bool pinned = true)
    {
        var known = Contender.All.Where(one => !oursOnly || one.IsOurs).Select(one => one.Name).ToArray();
        Option<string[]> chosen = new("--servers") { Description = "Who takes part, in this order.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => servers };
        chosen.AcceptOnlyFromAmong(known);
        Option<string?> json = new("--json") { Description = "Write the figures to this file." };
        var pins = new Pins();
        var command = new Command(name, description) { chosen, json };
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        if (pinned)
        {
            pins.AddTo(command);
        }

        command.SetAction(async (arguments, cancellationToken) =>
        {
            var (present, missing) = Contender.Choose(arguments.GetValue(chosen)!);
            var (serverProcessor, loadProcessor) = pinned ? pins.Of(arguments) : (null, null);
            var table = new Table(["Server", .. header]);
            var results = new List<KeyValuePair<string, T>>();
            var disturbance = new Disturbance();
            foreach (var contender in present)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var result = await measure(new Turn(contender, arguments, serverProcessor, loadProcessor));
                results.Add(new(contender.Name, result));
                table.Add([contender.Title, .. cells(result)]);
            }

            await ReportAsync(name, [.. missing, .. Disturbance.Warning(disturbance.Share)], table, results.ToDictionary(), arguments.GetValue(json));
        });
        return command;
    }

    /// <summary>Prints a measurement's table, and writes its figures to a file when one is named.</summary>
    public static async Task ReportAsync<T>(string name, string[] notes, Table table, Dictionary<string, T> results, string? json)
    {
        Console.WriteLine(Machine.Describe());
        foreach (var line in notes)
        {
            Console.WriteLine(line);
        }

        Console.WriteLine();
        Console.Write(table);
        await Json.WriteAsync(json, new { Measurement = name, Machine = Machine.Describe(), Notes = notes, Results = results });
    }

    public static Option<double> Seconds(string name, string description, double seconds) => new Option<double>(name) { Description = description, DefaultValueFactory = _ => seconds }.AtLeast(0.1);

    public static Option<int> Count(string name, string description, int count) => new Option<int>(name) { Description = description, DefaultValueFactory = _ => count }.AtLeast(1);

    public static Option<int> CountOrNone(string name, string description, int count) => new Option<int>(name) { Description = description, DefaultValueFactory = _ => count }.AtLeast(0);

    /// <summary>Some of these; all unless the user says otherwise.</summary>
    public static Option<string[]> Choice(string name, string description, string[] all)
    {
        var option = new Option<string[]>(name) { Description = description, AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => all };
        option.AcceptOnlyFromAmong(all);
        return option;
    }
}
