using System.CommandLine;
using ReplyClient;
using SocketKit;

Option<string> host = new("--host") { Description = "The server's name or address.", DefaultValueFactory = _ => "127.0.0.1" };
Option<int> port = new("--port") { Description = "The server's port.", DefaultValueFactory = _ => 9000 };
Option<string> connect = new("--connect") { Description = "The server's address, instead of --host and --port: tcp://127.0.0.1:9000, tls://localhost:9443, unix:///run/reply.sock.", HelpName = "URL" };
Option<string> framing = new("--framing") { Description = "As the server has it: line, length (4 bytes in front) or raw.", DefaultValueFactory = _ => "line" };
Option<int> heartbeat = new("--heartbeat") { Description = "As the server has it: send a beat after so many seconds of silence.", HelpName = "SECONDS" };
Option<int> count = new("--count") { Description = "Send N scripted messages, check the replies, print a summary and end.", HelpName = "N" };
port.Between(1, 65535);
connect.Through(url => Dial.Url(url));
framing.AcceptOnlyFromAmong("line", "length", "raw");
heartbeat.Between(1, 3600);
count.Between(1, int.MaxValue);

RootCommand command = new("Talks to ReplyServer, and comes back by itself when the connection is lost.") { host, port, connect, framing, heartbeat, count };
connect.Replaces(command, host, port);
command.SetAction(RunAsync);
return await command.RunAsync(args, cancelOnSignal: true);

async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
{
    int seconds = arguments.GetValue(heartbeat);
    int messages = arguments.GetValue(count);
    await using var client = new SocketClient(new SocketClientOptions
    {
        Dialer = arguments.GetValue(connect) is { } url ? Dial.Url(url) : Dial.Tcp(arguments.GetRequiredValue(host), arguments.GetValue(port)),
        Framer = arguments.GetValue(framing) switch
        {
            "length" => Framers.LengthPrefixed(),
            "raw" => Framers.Raw(),
            _ => Framers.Lines(),
        },
        Heartbeat = seconds == 0 ? NoHeartbeat.Instance : new BeaconHeartbeat("beat", TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(3 * seconds)),
        Reconnect = new BackoffReconnect(cap: TimeSpan.FromSeconds(5)) { MaxAttempts = messages > 0 ? 10 : null },
    });
    var conversation = new Conversation(client);
    client.StateChanged += (_, change) => conversation.Show(change);
    try
    {
        await client.ConnectAsync(cancellationToken);
        if (messages > 0)
        {
            return await conversation.RunScriptAsync(messages, cancellationToken) ? 0 : 1;
        }

        await conversation.ChatAsync(cancellationToken);
        return 0;
    }
    catch (Exception exception) when (exception is ConnectException or RequestTimeoutException)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }
    catch (OperationCanceledException)
    {
        return messages > 0 ? 1 : 0;
    }
}
