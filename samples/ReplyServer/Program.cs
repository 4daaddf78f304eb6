using System.CommandLine;
using ReplyServer;
using SocketKit;

Option<string> host = new("--host") { Description = "The name or address to listen on.", DefaultValueFactory = _ => "127.0.0.1" };
Option<int> port = new("--port") { Description = "The port; 0 takes a free one.", DefaultValueFactory = _ => 9000 };
Option<string[]> listen = new("--listen") { Description = "An address, instead of --host and --port: tcp://*:9000, tls://*:9443, unix:///run/reply.sock. May be given several times.", HelpName = "URL" };
Option<string> framing = new("--framing") { Description = "line, length (4 bytes in front) or raw.", DefaultValueFactory = _ => "line" };
Option<int> heartbeat = new("--heartbeat") { Description = "Send a beat after so many seconds of silence; a peer that is silent three times as long is dead.", HelpName = "SECONDS" };
port.Between(0, 65535);
listen.Through(Development.Listen);
framing.AcceptOnlyFromAmong("line", "length", "raw");
heartbeat.Between(1, 3600);

RootCommand command = new("Answers 1, 2, 3, 4 and anything else by the shipped rules.") { host, port, listen, framing, heartbeat };
listen.Replaces(command, host, port);
command.SetAction(RunAsync);
return await command.RunAsync(args, cancelOnSignal: false);

async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
{
    Func<IConnection, ConnectionHandler> replies = Handlers.Reply(new GuessThanksSorryOkReplies());
    int seconds = arguments.GetValue(heartbeat);
    var options = new SocketServerOptions
    {
        Framer = arguments.GetValue(framing) switch
        {
            "length" => Framers.LengthPrefixed(),
            "raw" => Framers.Raw(),
            _ => Framers.Lines(),
        },
        HandlerFactory = connection => new LoggedHandler(replies(connection)),
        Heartbeat = seconds == 0 ? NoHeartbeat.Instance : new BeaconHeartbeat("beat", TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(3 * seconds)),
    };
    string[] urls = arguments.GetValue(listen) ?? [];
    foreach (Listener listener in urls.Length > 0 ? urls.Select(Development.Listen) : [Listen.Tcp(arguments.GetRequiredValue(host), arguments.GetValue(port))])
    {
        options.Listeners.Add(listener);
    }

    await using var server = new SocketServer(options);
    try
    {
        await server.StartAsync(cancellationToken);
    }
    catch (ListenException exception)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }

    if (Development.WriteFile() is { } file)
    {
        Print.Line($"tls:// has a [yellow]development certificate[/] for localhost, good for this run; who dials tls://localhost:PORT?ca={file} trusts it");
    }

    Print.Line($"[green]listening[/] on {string.Join(", ", server.EndPoints)}, {arguments.GetValue(framing)} framing; Ctrl-C stops it");
    await server.RunAsync(cancellationToken);
    Print.Line($"stopped");
    return 0;
}
