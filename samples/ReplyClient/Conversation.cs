using System.Diagnostics;
using SocketKit;

namespace ReplyClient;

/// <summary>What is said on a connection that may come and go.</summary>
internal sealed class Conversation(ISocketClient client)
{
    private const string Shrug = "不知道你在说什么!";

    // What to say, and what may come back.
    private static readonly (string Text, string[] Replies)[] Script =
    [
        ("1", ["你猜!"]),
        ("2", ["谢谢!"]),
        ("3", ["对不起!"]),
        ("4", ["好的!"]),
        ("今天天气真好!", ["今天天气真好!", Shrug]),
    ];

    private int _askedAgain;
    private bool _wasConnected;

    /// <summary>Prints a change of the client's state. Called for one change after the other.</summary>
    public void Show(ClientStateChange change)
    {
        switch (change.To)
        {
            case ClientState.Connected:
                Print.Line($"[green]{(_wasConnected ? "connected again" : "connected")}[/]");
                _wasConnected = true;
                break;
            case ClientState.Waiting:
                Print.Line($"[yellow]{(change.From == ClientState.Connected ? "connection lost" : "no connection")}[/]: {change.Reason}; trying again in {change.RetryIn?.TotalSeconds:0.0} s");
                break;
            case ClientState.Disconnected:
                Print.Line($"disconnected: {change.Reason}");
                break;
            default:
                Print.Line($"[grey]connecting[/]");
                break;
        }
    }

    /// <summary>Sends the lines of the standard input and prints the replies.</summary>
    public async Task ChatAsync(CancellationToken cancellationToken)
    {
        Print.Line($"type a line and press Enter; Ctrl-C ends it");

        // Console.ReadLine cannot be cancelled, so it is left behind when the program ends.
        while (await Task.Run(Console.In.ReadLine, CancellationToken.None).WaitAsync(cancellationToken) is { } line)
        {
            if (line.Length > 0)
            {
                await TryAskAsync(line, cancellationToken);
            }
        }
    }

    /// <summary>Goes through the script until so many messages are sent, and prints a summary.</summary>
    /// <returns>Whether all replies were right.</returns>
    public async Task<bool> RunScriptAsync(int messages, CancellationToken cancellationToken)
    {
        int wrong = 0;
        var watch = Stopwatch.StartNew();
        for (int index = 0; index < messages; index++)
        {
            (string text, string[] replies) = Script[index % Script.Length];
            string reply = await AskAsync(text, cancellationToken);
            if (!replies.Contains(reply))
            {
                wrong++;
                Print.Line($"[red]wrong[/]: {text} was answered by {reply}");
            }
        }

        Print.Line($"{messages} sent, {messages - wrong} answered right, {wrong} wrong, {_askedAgain} asked again after a lost connection, {watch.Elapsed.TotalSeconds:0.00} s");
        return wrong == 0;
    }

    private async Task TryAskAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            Print.Line($"[green]{await AskAsync(text, cancellationToken)}[/]");
        }
        catch (Exception exception) when (exception is FramingException or RequestTimeoutException)
        {
            Print.Line($"[red]{exception.Message}[/]");
        }
    }

    // Waits while there is no connection, and asks again when it was lost before the answer came: right for questions that may be asked
    // twice, as here.
    private async Task<string> AskAsync(string text, CancellationToken cancellationToken)
    {
        while (true)
        {
            await client.ConnectAsync(cancellationToken);
            try
            {
                using Message reply = await client.RequestAsync(text, cancellationToken);
                return reply.ToString();
            }
            catch (ConnectionClosedException)
            {
                _askedAgain++;
            }
        }
    }
}
