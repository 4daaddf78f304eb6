using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SocketKit.Load.Driving;
using SocketKit.Load.Reporting;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Measuring;

/// <summary>What idle connections cost the server.</summary>
/// <param name="ResidentBefore">Bytes that the process held before they came.</param>
/// <param name="ResidentAfter">And while they were there, idle.</param>
/// <param name="ResidentPerConnection">Growth of the process, in bytes; the kernel's part is not in it.</param>
/// <param name="ManagedPerConnection">Growth of the live managed heap, in bytes; of servers that tell.</param>
/// <param name="Beats">Heartbeats that the server sent meanwhile.</param>
/// <param name="ProcessorShare">Of one processor, that the server used meanwhile.</param>
internal sealed record IdleResult(int Connections, long ResidentBefore, long ResidentAfter, double ResidentPerConnection, double? ManagedPerConnection, long Beats, double ProcessorShare);

/// <summary><c>measure idle</c>.</summary>
internal static class IdleMeasurement
{
    // Makes the server load and compile what a connection needs, and grow what does not depend on their number.
    private const int FirstGuests = 500;

    // Before the crowd comes; however long its silence is to be, memory has settled by then.
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(3);

    // The compiler and the collector finish what the arrivals began.
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(2);

    private static readonly Option<int> Connections = MeasureCommand.Count("--connections", "How many.", 10_000);
    private static readonly Option<double> Settle = MeasureCommand.Seconds("--settle", "Seconds of silence before memory is read.", 3);

    private static readonly Option<int> Heartbeat = new Option<int>("--heartbeat")
    {
        Description = "Both sides send a heartbeat each so many seconds while they are idle; 0: silence. Servers of others stay silent.",
    }.AtLeast(0);

    private static readonly Option<bool> Tls = new(Contender.Tls) { Description = "Over TLS; C does not speak it." };

    public static Command Create() => MeasureCommand.Measurement(
        "idle", "Bytes per idle connection: each has had one message echoed.", ["epoll", "sockets", Contender.C, Contender.Kestrel], [Connections, Settle, Heartbeat, Tls],
        ["connections", "process before, MB", "process after, MB", "process, B/connection", "managed heap, B/connection", "processor while idle, %", "heartbeats sent"], MeasureAsync,
        result => [$"{result.Connections:N0}", Megabytes(result.ResidentBefore), Megabytes(result.ResidentAfter), MarkdownReport.Number(result.ResidentPerConnection),
            result.ManagedPerConnection is { } managed ? MarkdownReport.Number(managed) : "-", (result.ProcessorShare * 100).ToString("0.00", CultureInfo.InvariantCulture), $"{result.Beats:N0}"]);

    private static async Task<IdleResult> MeasureAsync(Turn turn)
    {
        var count = turn.Arguments.GetValue(Connections);
        var settle = TimeSpan.FromSeconds(turn.Arguments.GetValue(Settle));
        var heartbeat = turn.Contender.IsOurs ? turn.Arguments.GetValue(Heartbeat) : 0;
        if (turn.Arguments.GetValue(Tls) && turn.Contender.MissingOverTls is { } why)
        {
            throw new InvalidOperationException($"{turn.Contender.Title} cannot take part over TLS: {why}. Name the others with --servers.");
        }

        string[] arguments =
        [
            .. turn.Arguments.GetValue(Tls) ? (string[])[Contender.Tls] : [],
            .. heartbeat == 0 ? (string[])[] : ["--heartbeat", heartbeat.ToString(CultureInfo.InvariantCulture)],
        ];
        await using var server = await turn.StartAsync(arguments);
        using var crowd = new Crowd(server.EndPoint, size: 32, heartbeat == 0 ? null : Beat);
        turn.Drive(() =>
        {
            crowd.Join(FirstGuests, greet: true);
            crowd.Leave();
            return 0;
        });
        await Task.Delay(settle < Calm ? settle : Calm);
        var managed = server.Stats(collect: true)?.ManagedBytes;
        var resident = server.WorkingSet;
        turn.Tell($"{count:N0} connections come");
        turn.Drive(() =>
        {
            crowd.Join(count, greet: true);
            return 0;
        });
        await Task.Delay(Aftermath);
        var (began, used) = (Stopwatch.GetTimestamp(), server.ProcessorTime);
        var beats = 0L;
        if (heartbeat == 0)
        {
            await Task.Delay(settle);
        }
        else
        {
            beats = turn.Drive(() => crowd.Idle(settle, TimeSpan.FromSeconds(heartbeat)));
        }

        var share = (server.ProcessorTime - used) / Stopwatch.GetElapsedTime(began);
        var stats = server.Stats(collect: true);
        if (stats?.Connections is { } connected && connected != count)
        {
            throw new InvalidOperationException($"The server has {connected} connections and not {count}.");
        }

        var after = server.WorkingSet;
        return new IdleResult(count, resident, after, (after - resident) / (double)count, (stats?.ManagedBytes - managed) / (double?)count, beats, share);
    }

    private static byte[] Beat => [0, 0, 0, (byte)ServeOptions.Beat.Length, .. ServeOptions.Beat];

    private static string Megabytes(long bytes) => MarkdownReport.Number(bytes / 1e6);
}
