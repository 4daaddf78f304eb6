using System.Buffers.Binary;
using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SocketKit.Load.Driving;
using SocketKit.Load.Reporting;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Measuring;

/// <summary>What short connections brought forth on a machine that is busy with other things.</summary>
internal sealed record BusyResult(double ConnectionsPerSecond, Latency Latency);

/// <summary><c>measure busy</c>: the server and its clients share their processors with loops that never rest.</summary>
internal static class BusyMeasurement
{
    private const int Size = 32;
    private const int Patience = 30_000;

    // Closed connections are reset and keep no port, but a port is not taken twice at once.
    private const int Addresses = 16;

    private static readonly Option<int> Clients = MeasureCommand.Count("--clients",
        "Threads that connect, have one message echoed and reset the connection.", 12);
    private static readonly Option<int> Loops = MeasureCommand.CountOrNone("--loops", "Busy loops beside it.", 8);
    private static readonly Option<double> Seconds = MeasureCommand.Seconds("--seconds", "How long is measured.", 7);
    private static readonly Option<double> WarmUp = MeasureCommand.Seconds("--warm-up", "Seconds of the same before that.", 3);
    private static readonly Option<int> BlockEvery = MeasureCommand.CountOrNone("--block-every",
        "The handler of one of so many connections blocks its thread; 0: none.", 0);

    private static readonly Option<int> BlockMilliseconds = MeasureCommand.Count("--block-ms", "For so many milliseconds.", 100);
    private static readonly Option<bool> SameProcess = new("--same-process")
    {
        Description = "The server runs in this process, beside its clients and the loops.",
    };

    public static Command Create() => MeasureCommand.Measurement(
        "busy", "Connections that come and go beside busy loops, all on the same processors; with taskset -c 0 in front, on one.",
            ["epoll", "sockets"],
        [Clients, Loops, Seconds, WarmUp, BlockEvery, BlockMilliseconds, SameProcess],
        ["connections/s", "p50, us", "p99, us", "max, us"], MeasureAsync,
        result => [MarkdownReport.Number(result.ConnectionsPerSecond), MarkdownReport.Number(result.Latency.P50),
            MarkdownReport.Number(result.Latency.P99), MarkdownReport.Number(result.Latency.Max)],
        oursOnly: true, pinned: false);

    private static async Task<BusyResult> MeasureAsync(Turn turn)
    {
        var every = turn.Arguments.GetValue(BlockEvery);
        var milliseconds = turn.Arguments.GetValue(BlockMilliseconds);
        if (turn.Arguments.GetValue(SameProcess))
        {
            var engine = turn.Contender.Name == "sockets" ? "sockets" : "epoll";
            await using var here = await SocketKitServer.StartAsync(new ServeOptions("socketkit", engine, every == 0 ? "echo" : "block",
                BlockEvery: every, BlockMilliseconds: milliseconds));
            return Run(turn, new IPEndPoint(IPAddress.Loopback, here.Port));
        }

        await using var server = await turn.StartAsync(every == 0 ? []
            : ["--handler", "block", "--block-every", $"{every}", "--block-ms", $"{milliseconds}"]);
        return Run(turn, server.EndPoint);
    }

    private static BusyResult Run(Turn turn, IPEndPoint server)
    {
        using var stop = new CancellationTokenSource();
        var loops = Enumerable.Range(0, turn.Arguments.GetValue(Loops)).Select(_ => Start(() => Spin(stop.Token))).ToArray();
        var clients = turn.Arguments.GetValue(Clients);
        try
        {
            turn.Tell($"{clients} clients come and go beside {loops.Length} busy loops");
            Drive(server, clients, TimeSpan.FromSeconds(turn.Arguments.GetValue(WarmUp)));
            return Drive(server, clients, TimeSpan.FromSeconds(turn.Arguments.GetValue(Seconds)));
        }
        finally
        {
            stop.Cancel();
            Array.ForEach(loops, loop => loop.Wait());
        }
    }

    private static BusyResult Drive(IPEndPoint server, int clients, TimeSpan time)
    {
        var latencies = new Latencies();
        var served = 0;
        var began = Stopwatch.GetTimestamp();
        var running = Enumerable.Range(0, clients).Select(index => Start(() =>
        {
            for (var number = 0; Stopwatch.GetElapsedTime(began) < time; number++)
            {
                var before = Stopwatch.GetTimestamp();
                Serve(server, (index + number) % Addresses, ((long)index << 32) | (uint)number);
                lock (latencies)
                {
                    latencies.Record(Stopwatch.GetTimestamp() - before, 1);
                    served++;
                }
            }
        })).ToArray();
        Task.WaitAll(running);
        return new BusyResult(served / Stopwatch.GetElapsedTime(began).TotalSeconds, latencies.Summary());
    }

    /// <summary>One connection: a frame, its echo, a reset.</summary>
    private static void Serve(IPEndPoint server, int address, long number)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            LingerState = new LingerOption(true, 0),
            ReceiveTimeout = Patience
        };
        socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + address)]), 0));
        socket.Connect(server);
        Span<byte> frame = stackalloc byte[4 + Size];
        frame.Clear();
        BinaryPrimitives.WriteInt32BigEndian(frame, Size);
        BinaryPrimitives.WriteInt64BigEndian(frame[4..], number);
        socket.Send(frame);
        Span<byte> reply = stackalloc byte[frame.Length];
        for (var received = 0; received < reply.Length;)
        {
            var count = socket.Receive(reply[received..]);
            received += count > 0 ? count : throw new IOException("The server closed a connection before its reply.");
        }

        if (!reply.SequenceEqual(frame))
        {
            throw new WrongReplyException($"Message {number} came back changed.");
        }
    }

    private static void Spin(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
        }
    }

    private static Task Start(Action run) =>
        Task.Factory.StartNew(run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
