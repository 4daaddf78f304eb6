using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using SocketKit.Load.Reporting;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Measuring;

/// <summary>One turn of h2load.</summary>
/// <param name="Requests">That were answered, all with a status of 200.</param>
/// <param name="Seconds">It took.</param>
/// <param name="MeanMicroseconds">From a request to its response.</param>
/// <param name="ServerMicrosecondsPerRequest">Of processor time.</param>
internal sealed record Http2Round(long Requests, double Seconds, double MeanMicroseconds, double ServerMicrosecondsPerRequest)
{
    public double RequestsPerSecond => Requests / Seconds;
}

/// <summary>What a transport makes of HTTP/2: medians over the rounds.</summary>
/// <param name="OfOwnTransport">Median over the rounds of the requests per second by those on Kestrel's own transport in the same round,
/// or null without it.</param>
internal sealed record Http2Result(
    double RequestsPerSecond, double Lowest, double Highest, double? OfOwnTransport, double MeanMicroseconds, double ServerMicrosecondsPerRequest,
    Http2Round[] Rounds)
{
    /// <param name="rounds">Of this server.</param>
    /// <param name="own">Of the one on Kestrel's own transport, or null when it takes no part.</param>
    public static Http2Result Of(IReadOnlyList<Http2Round> rounds, IReadOnlyList<Http2Round>? own)
    {
        var rates = Rates(rounds);
        return new Http2Result(
            Statistics.Median(rates),
            rates.Min(),
            rates.Max(),
            own is null ? null : Statistics.MedianRatio(rates, Rates(own)),
            Statistics.Median(rounds.Select(one => one.MeanMicroseconds)),
            Statistics.Median(rounds.Select(one => one.ServerMicrosecondsPerRequest)),
            [.. rounds]);
    }

    private static double[] Rates(IReadOnlyList<Http2Round> rounds) => [.. rounds.Select(one => one.RequestsPerSecond)];
}

/// <summary><c>measure http2</c>: h2load of the package nghttp2-client drives, as this tool's own load does not speak HTTP/2.</summary>
internal static partial class Http2Measurement
{
    private const string Name = "http2";
    private const int MessageLength = 100;

    public static Command Create()
    {
        Option<string[]> servers = new("--servers")
        {
            Description = "Who takes part, in this order.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [.. Contender.Http2.Select(one => one.Name)],
        };
        servers.AcceptOnlyFromAmong([.. Contender.Http2.Select(one => one.Name)]);
        Option<bool> grpc = new("--grpc") { Description = "Unary calls of a gRPC service instead of GET." };
        Option<string?> json = new("--json") { Description = "Write the figures to this file." };
        var connections = MeasureCommand.Count("--connections", "How many.", 20);
        var streams = MeasureCommand.Count("--streams", "Requests in flight per connection.", 20);
        var rounds = new RoundOptions(firstWarmUp: 15);
        var pins = new Pins();
        const string Description = "Requests per second over HTTP/2 of a small web app on Kestrel, with its own transport and with SocketKit's, in turn: "
            + "medians over the rounds, and the ratio within a round. Needs h2load (package nghttp2-client).";
        Command command = new(Name, Description)
        {
            servers, grpc, json, connections, streams,
        };
        rounds.AddTo(command);
        pins.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var names = arguments.GetValue(servers)!.Distinct();
            var contenders = names.Select(name => Contender.Http2.First(one => one.Name == name)).ToArray();
            var load = new Load(arguments.GetValue(connections), arguments.GetValue(streams), arguments.GetValue(grpc));
            var results = await RunAsync(contenders, load, rounds.Of(arguments), pins.Of(arguments), cancellationToken);
            var own = results.FirstOrDefault(one => one.Key.Name == ServeOptions.Http).Value;
            var table = new Table("Server", "requests/s", "lowest - highest", "own transport = 1", "mean, us", "server's CPU, us/request");
            var figures = new Dictionary<string, Http2Result>();
            foreach (var contender in contenders)
            {
                var result = Http2Result.Of(results[contender], own);
                figures.Add(contender.Name, result);
                table.Add(
                    contender.Title,
                    MarkdownReport.Number(result.RequestsPerSecond),
                    $"{MarkdownReport.Number(result.Lowest)} - {MarkdownReport.Number(result.Highest)}",
                    MarkdownReport.Fixed(result.OfOwnTransport, "0.00"),
                    MarkdownReport.Number(result.MeanMicroseconds),
                    MarkdownReport.Fixed(result.ServerMicrosecondsPerRequest, "0.00"));
            }

            await MeasureCommand.ReportAsync(Name, [load.Text], table, figures, arguments.GetValue(json));
        });
        return command;
    }

    /// <summary>Reads what h2load tells.</summary>
    /// <exception cref="InvalidOperationException">It failed, or not every response was a 200.</exception>
    public static (long Requests, double Seconds, double MeanMicroseconds) Parse(string output)
    {
        var finished = Finished().Match(output);
        var statuses = Statuses().Match(output);
        var times = Times().Match(output);
        if (!finished.Success || !statuses.Success || !times.Success)
        {
            throw new InvalidOperationException("h2load tells no result: " + output);
        }

        var requests = long.Parse(statuses.Groups["ok"].Value, CultureInfo.InvariantCulture);
        return requests > 0 && statuses.Groups["other"].Value == "0 3xx, 0 4xx, 0 5xx"
            ? (requests, Microseconds(finished.Groups["time"].Value) / 1e6, Microseconds(times.Groups["mean"].Value))
            : throw new InvalidOperationException("Not every request was answered with 200: " + statuses.Value);
    }

    private static async Task<Dictionary<Contender, List<Http2Round>>> RunAsync(
        Contender[] contenders, Load load, Rounds rounds, (int? Server, int? Load) pins, CancellationToken cancellationToken)
    {
        var results = contenders.ToDictionary(one => one, _ => new List<Http2Round>());
        var servers = new Dictionary<Contender, ServerProcess>();
        var message = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(message, [0, 0, 0, 0, MessageLength, .. new byte[MessageLength]], cancellationToken);
            for (var round = 1; round <= rounds.Count; round++)
            {
                foreach (var contender in contenders)
                {
                    if (!servers.TryGetValue(contender, out var server))
                    {
                        servers.Add(contender, server = await ServerProcess.StartAsync(contender, pins.Server));
                    }

                    await DriveAsync(server, load, round == 1 ? rounds.FirstWarmUp : rounds.WarmUp, message, pins.Load, cancellationToken);
                    var before = server.ProcessorTime;
                    var (requests, seconds, mean) = await DriveAsync(server, load, rounds.Seconds, message, pins.Load, cancellationToken);
                    var result = new Http2Round(requests, seconds, mean, (server.ProcessorTime - before).TotalMicroseconds / requests);
                    results[contender].Add(result);
                    await Console.Error.WriteLineAsync(string.Create(null,
                        $"round {round} of {rounds.Count}, {load.Text}, {contender.Title}: {result.RequestsPerSecond:N0} requests/s, ") + string.Create(null,
                        $"mean {result.MeanMicroseconds:0} us, server's CPU {result.ServerMicrosecondsPerRequest:0.0} us/request"));
                }
            }
        }
        finally
        {
            File.Delete(message);
            foreach (var server in servers.Values)
            {
                await server.DisposeAsync();
            }
        }

        return results;
    }

    private static async Task<(long Requests, double Seconds, double MeanMicroseconds)> DriveAsync(
        ServerProcess server, Load load, double seconds, string message, int? processor, CancellationToken cancellationToken)
    {
        if (seconds <= 0)
        {
            return default;
        }

        var address = $"http://{server.EndPoint}{(load.Grpc ? GrpcEcho.Path : "/plaintext")}";
        string[] body = load.Grpc ? ["-d", message, "-H", "content-type: application/grpc", "-H", "te: trailers"] : [];
        // It takes whole seconds alone.
        string[] size = ["-c", $"{load.Connections}", "-m", $"{load.Streams}", "-D", Math.Ceiling(seconds).ToString(CultureInfo.InvariantCulture)];
        var start = new ProcessStartInfo("h2load", [.. size, .. body, address]) { RedirectStandardOutput = true };
        try
        {
            using var process = Processors.Start(start, processor);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return Parse(output);
        }
        catch (Win32Exception exception)
        {
            throw new InvalidOperationException("h2load is not there: install the package nghttp2-client", exception);
        }
    }

    private static double Microseconds(string time) => time switch
    {
        [.. var number, 'u', 's'] => double.Parse(number, CultureInfo.InvariantCulture),
        [.. var number, 'm', 's'] => double.Parse(number, CultureInfo.InvariantCulture) * 1e3,
        [.. var number, 's'] => double.Parse(number, CultureInfo.InvariantCulture) * 1e6,
        _ => throw new FormatException($"{time} is no time of h2load's."),
    };

    [GeneratedRegex(@"finished in (?<time>[\d.]+\w*s),")]
    private static partial Regex Finished();

    [GeneratedRegex(@"status codes: (?<ok>\d+) 2xx, (?<other>.*)")]
    private static partial Regex Statuses();

    [GeneratedRegex(@"time for request: +[\d.]+\w*s +[\d.]+\w*s +(?<mean>[\d.]+\w*s)")]
    private static partial Regex Times();

    private sealed record Load(int Connections, int Streams, bool Grpc)
    {
        public string Text => $"{(Grpc ? "gRPC unary" : "GET")}, {Connections} x {Streams}";
    }
}
