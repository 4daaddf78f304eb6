using System.CommandLine;
using CustomFraming;
using Microsoft.Extensions.Logging;
using SocketKit;

Option<int?> serve = new("--serve") { Description = "Only serve on this port of 127.0.0.1 until Ctrl-C; 0 takes a free one. Without it, the program talks to itself and ends.", HelpName = "PORT" };
serve.Between(0, 65535);

RootCommand command = new("A binary protocol (sync word, length, type, body, CRC) in one small framer.") { serve };
command.SetAction(RunAsync);
return await command.RunAsync(args, cancelOnSignal: false);

async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
{
    // The library tells in its log what was skipped.
    using ILoggerFactory logging = LoggerFactory.Create(builder => builder.AddSimpleConsole(console => console.SingleLine = true));
    await using var server = new SocketServer(new SocketServerOptions
    {
        Listeners = { Listen.Tcp("127.0.0.1", arguments.GetValue(serve) ?? 0) },
        Framer = new TelegramFramer(),
        HandlerFactory = Handlers.OnMessage(Telegram.AnswerAsync),
        LoggerFactory = logging,
    });
    try
    {
        await server.StartAsync(cancellationToken);
    }
    catch (ListenException exception)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }

    if (arguments.GetValue(serve) is null)
    {
        return await Demonstration.RunAsync(server.EndPoints[0], cancellationToken) ? 0 : 1;
    }

    Print.Line($"[green]listening[/] on {server.EndPoints[0]}; Ctrl-C stops it");
    await server.RunAsync(cancellationToken);
    return 0;
}
