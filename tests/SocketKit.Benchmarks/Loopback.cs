using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace SocketKit.Benchmarks;

/// <summary>
/// Compares the portable engine and loops written by hand: echo servers in processes of their own over loopback, in turn, several rounds in
/// one run: messages per second, and the server's CPU time per message.
/// <c>loopback [--rounds 5] [--load 1|2|3]</c>; <c>serve socketkit|plain|batched</c> is the server's end.
/// </summary>
internal static class Loopback
{
    private static readonly string[] Kinds = ["socketkit", "plain", "batched"];

    private static readonly (string Name, int Connections, int Size, int Depth)[] Loads =
    [
        ("64 connections, 32 B, one at a time", 64, 32, 1),
        ("64 connections, 32 B, 32 in flight", 64, 32, 32),
        ("4 connections, 64 KiB, 4 in flight", 4, 64 * 1024, 4),
    ];

    public static async Task ServeAsync(string kind)
    {
        if (kind != "socketkit")
        {
            await PlainServer.RunAsync(0, batched: kind == "batched").ConfigureAwait(false);
            return;
        }

        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { Listen.Tcp("127.0.0.1", 0, new TcpListenOptions { Engine = SocketEngine.Sockets }) },
            Framer = Framers.LengthPrefixed(),
            HandlerFactory = Handlers.OnMessage((connection, message) => connection.SendAsync(message)),
        });
        await server.StartAsync().ConfigureAwait(false);
        Console.WriteLine(((IPEndPoint)server.EndPoints[0]).Port);
        await Task.Delay(Timeout.Infinite).ConfigureAwait(false);
    }

    public static async Task CompareAsync(int rounds, TimeSpan time, int? only)
    {
        Console.WriteLine($"{Environment.ProcessorCount} processors, .NET {Environment.Version}, {rounds} rounds of {time.TotalSeconds:0} s, medians");
        using var self = Process.GetCurrentProcess();
        Pin(self, 1);
        Console.WriteLine("| load | against | its msg/s | ours | ratio | its CPU us/msg | ours | ratio |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var load in only is { } number ? [Loads[number - 1]] : Loads)
        {
            var results = Kinds.ToDictionary(kind => kind, _ => new List<(double Rate, double Cpu)>());
            for (var round = 0; round < rounds; round++)
            {
                foreach (var kind in Kinds)
                {
                    results[kind].Add(await MeasureAsync(kind, load.Connections, load.Size, load.Depth, time).ConfigureAwait(false));
                }
            }

            var ours = results["socketkit"];
            foreach (var kind in Kinds[1..])
            {
                // Ratios pair by pair: the machine's speed drifts.
                var its = results[kind];
                var rate = Median(ours.Zip(its, (a, b) => a.Rate / b.Rate));
                var cpu = Median(ours.Zip(its, (a, b) => a.Cpu / b.Cpu));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {load.Name} | {kind} | {Median(its.Select(p => p.Rate)):N0} | {Median(ours.Select(p => p.Rate)):N0} | {rate:0.00} | {Median(its.Select(p => p.Cpu)):0.00} | {Median(ours.Select(p => p.Cpu)):0.00} | {cpu:0.00} |"));
            }
        }
    }

    /// <summary>The server on one processor and the load on another, where the system can: then neither takes the other's time.</summary>
    private static void Pin(Process process, int processor)
    {
        if (Environment.ProcessorCount > 1 && (OperatingSystem.IsLinux() || OperatingSystem.IsWindows()))
        {
            process.ProcessorAffinity = 1 << processor;
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static async Task<(double Rate, double Cpu)> MeasureAsync(string kind, int connections, int size, int depth, TimeSpan time)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(Loopback).Assembly.Location);
        }

        start.ArgumentList.Add("serve");
        start.ArgumentList.Add(kind);
        using var server = Process.Start(start)!;
        try
        {
            Pin(server, 0);
            var port = int.Parse((await server.StandardOutput.ReadLineAsync().ConfigureAwait(false))!, CultureInfo.InvariantCulture);
            using var drive = new Drive(port, connections, size, depth);
            // The compiler optimizes what is hot for some seconds; its time is not the messages'.
            await drive.RunAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
            var cpu = server.TotalProcessorTime;
            var watch = Stopwatch.StartNew();
            var messages = await drive.RunAsync(time).ConfigureAwait(false);
            var elapsed = watch.Elapsed;
            server.Refresh();
            return (messages / elapsed.TotalSeconds, (server.TotalProcessorTime - cpu).TotalMicroseconds / messages);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The load: one thread that keeps every connection's messages in flight and checks the length of what comes back.</summary>
    private sealed class Drive : IDisposable
    {
        private readonly Socket[] _sockets;
        private readonly byte[] _burst;
        private readonly int _depth;

        public Drive(int port, int connections, int size, int depth)
        {
            _depth = depth;
            _burst = new byte[(size + 4) * depth];
            for (var at = 0; at < _burst.Length; at += size + 4)
            {
                BinaryPrimitives.WriteInt32BigEndian(_burst.AsSpan(at), size);
            }

            _sockets = new Socket[connections];
            for (var i = 0; i < connections; i++)
            {
                _sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                _sockets[i].Connect(IPAddress.Loopback, port);
            }
        }

        public async Task<long> RunAsync(TimeSpan time)
        {
            using var over = new CancellationTokenSource(time);
            var counts = await Task.WhenAll(_sockets.Select(socket => Task.Run(() => RoundsAsync(socket, over.Token)))).ConfigureAwait(false);
            return counts.Sum();
        }

        public void Dispose()
        {
            foreach (var socket in _sockets)
            {
                socket.Dispose();
            }
        }

        private async Task<long> RoundsAsync(Socket socket, CancellationToken over)
        {
            var received = new byte[Math.Min(_burst.Length, 512 * 1024)];
            var messages = 0L;
            while (!over.IsCancellationRequested)
            {
                await socket.SendAsync(_burst, CancellationToken.None).ConfigureAwait(false);
                for (var left = _burst.Length; left > 0;)
                {
                    var count = await socket.ReceiveAsync(received.AsMemory(0, Math.Min(left, received.Length)), CancellationToken.None).ConfigureAwait(false);
                    left -= count > 0 ? count : throw new IOException("The server closed the connection");
                }

                messages += _depth;
            }

            return messages;
        }
    }
}
