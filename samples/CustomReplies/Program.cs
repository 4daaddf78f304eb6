using System.CommandLine;
using CustomReplies;
using SocketKit;

Option<int> port = new("--port") { Description = "The port on 127.0.0.1; 0 takes a free one.", DefaultValueFactory = _ => 9000 };
port.Between(0, 65535);

RootCommand command = new("A server with replies of its own next to the shipped ones.") { port };
command.SetAction(RunAsync);
return await command.RunAsync(args, cancelOnSignal: false);

async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
{
    // Rules are the quickest way: text to text, or to a function of the text.
    IReplyStrategy rules = new ReplyRules()
        .When("几点了", _ => $"{DateTime.Now:HH:mm:ss}")
        .When("quiet", Reply.None)
        .When(text => text.StartsWith("再见", StringComparison.Ordinal), "慢走!")
        .Build();

    await using var server = new SocketServer(new SocketServerOptions
    {
        Listeners = { Listen.Tcp("127.0.0.1", arguments.GetValue(port)) },
        Framer = Framers.Lines(),

        // Asked in this order; the first that does not pass answers. The shipped rules always do, so they come last.
        HandlerFactory = Handlers.Reply(new Calculator(), new Countdown(), rules, new GuessThanksSorryOkReplies()),
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

    Print.Line($"[green]listening[/] on {string.Join(", ", server.EndPoints)}; try [blue]12 * 3[/], [blue]倒数 3[/], [blue]几点了[/], [blue]再见啦[/], [blue]1[/]; Ctrl-C stops it");
    await server.RunAsync(cancellationToken);
    return 0;
}
