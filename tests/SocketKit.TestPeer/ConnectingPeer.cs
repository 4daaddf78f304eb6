using System.Net;

namespace SocketKit.TestPeer;

/// <summary>
/// A client that connects again whenever it has lost its server. It prints <c>state NAME REASON</c> at every change, <c>took a message</c>
/// at the first that nobody asked for, and what <see cref="PrintingHandler"/> prints. Options: those of
/// <see cref="PeerOptions"/>, <c>connect-timeout=MS</c>. Commands: <c>ask TEXT</c> asks the server and prints <c>answer TEXT</c>.
/// </summary>
internal sealed class ConnectingPeer
{
    private readonly SocketClient _client;
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _taken;

    public ConnectingPeer(string endPoint, string[] arguments)
    {
        var options = new PeerOptions(arguments);
        var handler = new PrintingHandler(OnMessageAsync);
        var client = new SocketClientOptions
        {
            Dialer = Dial.Tcp(IPEndPoint.Parse(endPoint), new TcpDialOptions { Engine = options.Engine }),
            Framer = Framers.Lines(),
            HandlerFactory = _ => handler,
            ConnectTimeout = TimeSpan.FromMilliseconds(options.Number("connect-timeout", 5000)),
            Reconnect = new BackoffReconnect(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200)),
        };
        options.Apply(client);
        _client = new SocketClient(client);
        _client.StateChanged += (_, change) => Console.WriteLine($"state {change.To} {change.Reason}");
    }

    public async Task<int> RunAsync()
    {
        await _client.ConnectAsync();
        new Thread(ReadCommands) { IsBackground = true }.Start();
        await _end.Task;
        await _client.DisposeAsync();
        return 0;
    }

    // On a thread of its own: reading the console blocks, and the pool's few threads are the client's.
    private void ReadCommands()
    {
        while (Console.In.ReadLine() is { } line)
        {
            if (line.Split(' ', 2) is ["ask", var text])
            {
                _ = AskAsync(text);
            }
            else
            {
                Console.WriteLine($"unknown command {line}");
            }
        }

        _end.TrySetResult();
    }

    private async Task AskAsync(string text)
    {
        using var answer = await _client.RequestAsync(text);
        Console.WriteLine($"answer {answer}");
    }

    private ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        if (Interlocked.Exchange(ref _taken, 1) == 0)
        {
            Console.WriteLine("took a message");
        }

        return default;
    }
}
