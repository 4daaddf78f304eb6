using System.CommandLine;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Measuring;

/// <summary>How often servers take turns under the same load, and for how long: neighbours in a round meet the same machine.</summary>
internal sealed record Rounds(int Count, double Seconds, double FirstWarmUp, double WarmUp)
{
    /// <summary>All rounds of one load. The servers stay between their turns, and do nothing then.</summary>
    public async Task<Dictionary<Contender, List<LoadResult>>> RunAsync(
        Contender[] contenders, LoadOptions options, (int? Server, int? Load) pins, CancellationToken cancellationToken)
    {
        var results = contenders.ToDictionary(one => one, _ => new List<LoadResult>());
        var servers = new Dictionary<Contender, ServerProcess>();
        try
        {
            for (var round = 1; round <= Count; round++)
            {
                foreach (var contender in contenders)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (!servers.TryGetValue(contender, out var server))
                    {
                        servers.Add(contender, server = await ServerProcess.StartAsync(contender, pins.Server));
                    }

                    var load = options with
                    {
                        Server = server.EndPoint,
                        Time = TimeSpan.FromSeconds(Seconds),
                        WarmUp = TimeSpan.FromSeconds(round == 1 ? FirstWarmUp : WarmUp),
                        FirstProcessor = pins.Load,
                    };
                    var result = Driver.Run(load, server);
                    results[contender].Add(result);
                    await Console.Error.WriteLineAsync(string.Create(null,
                        $"round {round} of {Count}, {load.Text}, {contender.Title}: {result.MessagesPerSecond:N0} messages/s, p50 {result.Latency.P50:0.0} us, p99 {result.Latency.P99:0.0} us, server {result.ServerShare:P0}, load {result.LoadShare:P0}, others {result.OthersShare:P0} of a processor"));
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
}

/// <summary>The options of <see cref="Rounds"/>.</summary>
/// <param name="firstWarmUp">The default, in seconds: more code takes longer to become fast.</param>
internal sealed class RoundOptions(double firstWarmUp)
{
    private readonly Option<int> _rounds = new("--rounds") { Description = "How often everyone has a turn.", DefaultValueFactory = _ => 5 };
    private readonly Option<double> _seconds = new("--seconds") { Description = "How long a turn is measured.", DefaultValueFactory = _ => 3 };
    private readonly Option<double> _firstWarmUp = new("--first-warm-up")
    {
        Description = "Seconds of the same load before a server's first turn: on one processor the compiler takes that long to optimize what is hot.",
        DefaultValueFactory = _ => firstWarmUp,
    };

    private readonly Option<double> _warmUp = new("--warm-up") { Description = "Seconds of the same load before its other turns.", DefaultValueFactory = _ => 2 };

    public void AddTo(Command command)
    {
        command.Options.Add(_rounds.AtLeast(1));
        command.Options.Add(_seconds.AtLeast(0.1));
        command.Options.Add(_firstWarmUp.AtLeast(0));
        command.Options.Add(_warmUp.AtLeast(0));
    }

    public Rounds Of(ParseResult arguments) =>
        new(arguments.GetValue(_rounds), arguments.GetValue(_seconds), arguments.GetValue(_firstWarmUp), arguments.GetValue(_warmUp));
}
