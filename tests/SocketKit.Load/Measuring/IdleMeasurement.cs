using System.CommandLine;
using SocketKit.Load.Driving;
using SocketKit.Load.Reporting;

namespace SocketKit.Load.Measuring;

/// <summary>What idle connections cost the server.</summary>
/// <param name="ResidentBefore">Bytes that the process held before they came.</param>
/// <param name="ResidentAfter">And while they were there, idle.</param>
/// <param name="ResidentPerConnection">Growth of the process, in bytes; the kernel's part is not in it.</param>
/// <param name="ManagedPerConnection">Growth of the live managed heap, in bytes; of servers that tell.</param>
internal sealed record IdleResult(int Connections, long ResidentBefore, long ResidentAfter, double ResidentPerConnection, double? ManagedPerConnection);

/// <summary><c>measure idle</c>.</summary>
internal static class IdleMeasurement
{
    // Makes the server load and compile what a connection needs, and grow what does not depend on their number.
    private const int FirstGuests = 500;

    private static readonly Option<int> Connections = MeasureCommand.Count("--connections", "How many.", 10_000);
    private static readonly Option<double> Settle = MeasureCommand.Seconds("--settle", "Seconds of silence before memory is read.", 3);

    public static Command Create() => MeasureCommand.Measurement(
        "idle", "Bytes per idle connection: each has had one message echoed.", ["epoll", "sockets", Contender.C, Contender.Kestrel], [Connections, Settle],
        ["connections", "process before, MB", "process after, MB", "process, B/connection", "managed heap, B/connection"], MeasureAsync,
        result => [$"{result.Connections:N0}", Megabytes(result.ResidentBefore), Megabytes(result.ResidentAfter), MarkdownReport.Number(result.ResidentPerConnection),
            result.ManagedPerConnection is { } managed ? MarkdownReport.Number(managed) : "-"]);

    private static async Task<IdleResult> MeasureAsync(Turn turn)
    {
        var count = turn.Arguments.GetValue(Connections);
        var settle = TimeSpan.FromSeconds(turn.Arguments.GetValue(Settle));
        await using var server = await turn.StartAsync();
        using var crowd = new Crowd(server.EndPoint, size: 32);
        turn.Drive(() =>
        {
            crowd.Join(FirstGuests, greet: true);
            crowd.Leave();
            return 0;
        });
        await Task.Delay(settle);
        var managed = server.Stats(collect: true)?.ManagedBytes;
        var resident = server.WorkingSet;
        turn.Tell($"{count:N0} connections come");
        turn.Drive(() =>
        {
            crowd.Join(count, greet: true);
            return 0;
        });
        await Task.Delay(settle);
        var stats = server.Stats(collect: true);
        if (stats?.Connections is { } connected && connected != count)
        {
            throw new InvalidOperationException($"The server has {connected} connections and not {count}.");
        }

        var after = server.WorkingSet;
        return new IdleResult(count, resident, after, (after - resident) / (double)count, (stats?.ManagedBytes - managed) / (double?)count);
    }

    private static string Megabytes(long bytes) => MarkdownReport.Number(bytes / 1e6);
}
