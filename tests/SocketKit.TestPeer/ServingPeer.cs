using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace SocketKit.TestPeer;

/// <summary>
/// A server that echoes, on a free port; its log, which it prints, tells which. Options: <c>address=IP</c>, or <c>path=PATH</c> of a Unix
/// socket, <c>framing=lines|length</c>, <c>max-frame=BYTES</c>, <c>min-threads=N</c> and <c>max-threads=N</c> of the pool,
/// <c>drain=MS</c>, <c>tls=yes</c> with a certificate for development, and those of <see cref="PeerOptions"/>. What
/// <see cref="PrintingHandler"/> prints comes as well. Messages that it does not echo: <c>block</c> blocks the handler's thread until the
/// command <c>release</c>, <c>hold</c> awaits it and then answers <c>done</c>,
/// <c>spin</c> keeps a processor busy for 50 us, <c>yield</c> completes asynchronously.
/// </summary>
internal sealed class ServingPeer
{
    private readonly ManualResetEventSlim _gate = new();
    private readonly TaskCompletionSource _asyncGate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _end = new();
    private readonly CountingFramer _framer;
    private readonly SocketServer _server;
    private readonly MeterListener _meter = new();
    private int _blocked;
    private long _acceptErrors;
    private long _handOvers;
    private long _exhausted;

    public ServingPeer(string[] arguments)
    {
        var options = new PeerOptions(arguments);
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(options.Number("min-threads", workers), ports);
        ThreadPool.GetMaxThreads(out workers, out ports);
        ThreadPool.SetMaxThreads(options.Number("max-threads", workers), ports);

        _framer = new CountingFramer(options.Text("framing", "lines") == "length" ? Framers.LengthPrefixed() : Framers.Lines());
        var handler = new PrintingHandler(OnMessageAsync);
        var server = new SocketServerOptions
        {
            Listeners = { ListenerOf(options) },
            Framer = _framer,
            HandlerFactory = _ => handler,
            MaxFrameLength = options.Number("max-frame", 1024 * 1024),
            DrainTimeout = TimeSpan.FromMilliseconds(options.Number("drain", 10_000)),
        };
        options.Apply(server);
        _server = new SocketServer(server);
        _meter.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name is "socketkit.accept.errors" or "socketkit.loop.hand_overs" or "socketkit.loop.spares_exhausted")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meter.SetMeasurementEventCallback<long>((instrument, value, _, _) => Interlocked.Add(ref Sum(instrument.Name), value));
        _meter.Start();
    }

    private static Listener ListenerOf(PeerOptions options)
    {
        var plain = options.Text("path", "") is { Length: > 0 } path
            ? Listen.Unix(path, new UnixListenOptions { Engine = options.Engine })
            : Listen.Tcp(options.Text("address", "127.0.0.1"), 0, new TcpListenOptions { Engine = options.Engine });
        return options.Text("tls", "no") == "yes" ? Listen.Tls(plain, new TlsListenOptions { Certificate = TlsCertificate.CreateDevelopment() }) : plain;
    }

    private ref long Sum(string counter)
    {
        switch (counter)
        {
            case "socketkit.accept.errors":
                return ref _acceptErrors;
            case "socketkit.loop.hand_overs":
                return ref _handOvers;
            default:
                return ref _exhausted;
        }
    }

    public async Task<int> RunAsync()
    {
        new Thread(ReadCommands) { IsBackground = true }.Start();
        await _server.StartAsync();

        // By now it listens for signals, too.
        var running = _server.RunAsync(_end.Token);
        Console.WriteLine("running");
        await running;
        Console.WriteLine("stopped");
        return 0;
    }

    private ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        switch (Encoding.UTF8.GetString(message.Span))
        {
            case "block":
                Console.WriteLine($"blocked {Interlocked.Increment(ref _blocked)}");
                _gate.Wait();
                return connection.SendAsync("released");
            case "hold":
                return HoldAsync(connection);
            case "yield":
                return YieldAsync();
            case "spin":
                var began = Stopwatch.GetTimestamp();
                while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMicroseconds(50))
                {
                    Thread.SpinWait(20);
                }

                return default;
            default:
                return connection.SendAsync(message);
        }
    }

    private async ValueTask HoldAsync(IConnection connection)
    {
        Console.WriteLine("held");
        await _asyncGate.Task;
        await connection.SendAsync("done");
    }

    private static async ValueTask YieldAsync() => await Task.Yield();

    // On a thread of its own: commands are obeyed while the pool is starved.
    private void ReadCommands()
    {
        while (Console.In.ReadLine() is { } line)
        {
            var words = line.Split(' ');
            switch (words[0])
            {
                case "stats":
                    PrintStats();
                    break;
                case "release":
                    _gate.Set();
                    _asyncGate.TrySetResult();
                    break;
                case "starve":
                    for (var i = int.Parse(words[1], null); i > 0; i--)
                    {
                        ThreadPool.UnsafeQueueUserWorkItem(_ => _gate.Wait(), null);
                    }

                    // Nobody else opens the gate: this is the time for which the pool starves.
                    _gate.Wait(int.Parse(words[2], null));
                    _gate.Set();
                    Console.WriteLine("fed");
                    break;
                case "claims":
                    _framer.WaitFor(int.Parse(words[1], null));
                    GC.Collect();
                    PrintStats();
                    break;
                case "close":
                    CloseAll();
                    break;
                case "send":
                    Send(int.Parse(words[1], null));
                    break;
                case "flood":
                    foreach (var connection in _server.Connections)
                    {
                        _ = Task.Run(() => FloodAsync(connection, int.Parse(words[1], null)));
                    }

                    break;
                case "user-timeout":
                    KernelPatience.Set(int.Parse(words[1], null));
                    Console.WriteLine("user-timeout is set");
                    break;
                default:
                    Console.WriteLine($"unknown command {line}");
                    break;
            }
        }

        _gate.Set();
        _end.Cancel();
    }

    /// <summary>Closes all connections gracefully and tells what that took.</summary>
    private void CloseAll()
    {
        var connections = _server.Connections.ToArray();
        var cpu = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        foreach (var connection in connections)
        {
            _ = connection.CloseAsync("asked to").AsTask();
        }

        Task.WaitAll([.. connections.Select(connection => connection.Closed)]);
        Print("closed", ("connections", connections.Length), ("cpu", (long)(Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds), ("elapsed", (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds));
    }

    /// <summary>Sends everybody one message.</summary>
    private void Send(int length)
    {
        foreach (var connection in _server.Connections)
        {
            _ = connection.SendAsync(new byte[length]).AsTask();
        }
    }

    /// <summary>Sends messages as fast as they are taken, until the connection ends.</summary>
    private static async Task FloodAsync(IConnection connection, int length)
    {
        var message = new byte[length];
        try
        {
            while (true)
            {
                await connection.SendAsync(message);
            }
        }
        catch (ConnectionClosedException)
        {
            // As it must.
        }
    }

    // Opens no file: it must work without a free descriptor.
    private void PrintStats() =>
        Print("stats", ("connections", _server.Connections.Count), ("accept-errors", Interlocked.Read(ref _acceptErrors)), ("hand-overs", Interlocked.Read(ref _handOvers)), ("exhausted", Interlocked.Read(ref _exhausted)), ("pool", ThreadPool.ThreadCount));

    private static void Print(string what, params (string Name, long Value)[] numbers) =>
        Console.WriteLine($"{what} {string.Join(' ', numbers.Select(number => string.Create(CultureInfo.InvariantCulture, $"{number.Name}={number.Value}")))}");
}
