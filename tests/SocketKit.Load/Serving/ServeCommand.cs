using System.CommandLine;
using System.Text;
using System.Text.Json;

namespace SocketKit.Load.Serving;

/// <summary><c>serve</c>: prints the port on its first line and serves until it is stopped.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        Option<string> kind = new("--kind") { Description = "Whose server; the engine and the handler are SocketKit's. http and http-socketkit are a web app on Kestrel, with its own transport and with SocketKit's: GET /plaintext.", DefaultValueFactory = _ => "socketkit" };
        kind.AcceptOnlyFromAmong(ServeOptions.Kinds);
        Option<string> engine = new("--engine") { Description = "SocketKit's engine.", DefaultValueFactory = _ => "auto" };
        engine.AcceptOnlyFromAmong(EngineChoice.Names);
        Option<int> port = new("--port") { Description = "The port on 127.0.0.1; 0 takes a free one." };
        Option<string> handler = new("--handler")
        {
            Description = "echo; async: awaits before it sends; block: blocks its thread on some connections; broadcast: sends each message to all.",
            DefaultValueFactory = _ => "echo",
        };
        handler.AcceptOnlyFromAmong(ServeOptions.Handlers);
        Option<int> blockEvery = new("--block-every") { Description = "With --handler block: one connection of so many blocks.", DefaultValueFactory = _ => 64 };
        Option<int> blockMilliseconds = new("--block-ms") { Description = "With --handler block: for so many milliseconds.", DefaultValueFactory = _ => 100 };
        Option<int> heartbeat = new("--heartbeat") { Description = $"Send the message {Encoding.ASCII.GetString(ServeOptions.Beat)} after so many seconds without another, and close who sends nothing for three times as long; 0: no heartbeat." };
        Option<string> telemetry = new("--telemetry") { Description = "Who listens to the library: nobody, or the OpenTelemetry SDK, which collects every instrument once a second.", DefaultValueFactory = _ => ServeOptions.NoTelemetry };
        telemetry.AcceptOnlyFromAmong(ServeOptions.Telemetries);
        Option<bool> tls = new("--tls") { Description = $"Speak TLS, with a certificate for development: kinds {string.Join(", ", ServeOptions.TlsKinds)}." };
        Option<bool> http2 = new("--http2") { Description = $"Speak HTTP/2 alone, without TLS, with a gRPC service besides: kinds {string.Join(", ", ServeOptions.HttpKinds)}." };
        Option<bool> untilInputEnds = new("--until-input-ends") { Description = "End with the standard input, so that a server never outlives the program that started it." };

        port.Between(0, 65535);
        blockEvery.AtLeast(1);
        blockMilliseconds.AtLeast(0);
        heartbeat.AtLeast(0);
        Command command = new("serve", "Echoes frames with a 4-byte big-endian length, or serves a small web app. On standard input it takes the lines stats, and collect for stats after a full collection.")
        {
            kind, engine, port, handler, blockEvery, blockMilliseconds, heartbeat, telemetry, tls, http2, untilInputEnds,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(tls) && !ServeOptions.TlsKinds.Contains(result.GetValue(kind)))
            {
                result.AddError($"{tls.Name} is for --kind {string.Join(", ", ServeOptions.TlsKinds)}.");
            }

            if (result.GetValue(http2) && !ServeOptions.HttpKinds.Contains(result.GetValue(kind)))
            {
                result.AddError($"{http2.Name} is for --kind {string.Join(", ", ServeOptions.HttpKinds)}.");
            }

            foreach (Option option in (Option[])[handler, heartbeat, telemetry])
            {
                if (result.GetResult(kind) is { Tokens: [{ Value: not "socketkit" }] } && result.GetResult(option) is { Implicit: false })
                {
                    result.AddError($"{option.Name} is for --kind socketkit.");
                }
            }
        });
        command.SetAction((arguments, cancellationToken) => RunAsync(
            new ServeOptions(arguments.GetValue(kind)!, arguments.GetValue(engine)!, arguments.GetValue(handler)!, arguments.GetValue(port), arguments.GetValue(blockEvery), arguments.GetValue(blockMilliseconds), arguments.GetValue(heartbeat), arguments.GetValue(telemetry)!, arguments.GetValue(tls), arguments.GetValue(http2)),
            arguments.GetValue(untilInputEnds), cancellationToken));
        return command;
    }

    public static async Task<IMeasuredServer> StartAsync(ServeOptions options) => options.Kind switch
    {
        "plain" or "batched" => new PlainServer(options.Port, batched: options.Kind == "batched", options.Tls),
        "kestrel" => await KestrelServer.StartAsync(options.Port, options.Tls),
        "dotnetty" => await DotNettyServer.StartAsync(options.Port),
        ServeOptions.Http or ServeOptions.HttpSocketKit => await PlaintextServer.StartAsync(options),
        _ => await SocketKitServer.StartAsync(options),
    };

    private static async Task<int> RunAsync(ServeOptions options, bool untilInputEnds, CancellationToken cancellationToken)
    {
        OpenFiles.RaiseLimit();
        using var collecting = options.Telemetry == ServeOptions.Metrics ? Collecting.Start() : null;
        await using var server = await StartAsync(options);
        Console.WriteLine(server.Port);

        // A thread of its own: reading the console blocks, and the pool belongs to the server under test.
        var inputEnded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Obey(server, inputEnded)) { IsBackground = true, Name = "commands" }.Start();
        try
        {
            await (untilInputEnds ? inputEnded.Task : Task.Delay(Timeout.Infinite, cancellationToken)).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is how a server is stopped.
        }

        return 0;
    }

    private static void Obey(IMeasuredServer server, TaskCompletionSource inputEnded)
    {
        while (Console.In.ReadLine() is { } line)
        {
            switch (line.Trim())
            {
                case "stats" or "collect":
                    Console.WriteLine(JsonSerializer.Serialize(ServerStats.Take(server, collect: line.Trim() == "collect"), Json.Line));
                    break;
                default:
                    Console.Error.WriteLine($"Unknown: {line}. Known are stats and collect.");
                    break;
            }
        }

        inputEnded.SetResult();
    }
}
