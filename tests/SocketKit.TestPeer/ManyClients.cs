using System.Net;
using System.Net.Sockets;

namespace SocketKit.TestPeer;

/// <summary>
/// Many clients that connect at once and again. Commands: <c>stats</c> prints <c>stats connected=N ever=N short=N other=N</c>: how many are connected, how many ever were, and how many attempts failed for want of descriptors and for another reason;
/// <c>drop N</c> disposes of so many that are connected.
/// </summary>
internal sealed class ManyClients(EndPoint endPoint, int count, string[] arguments)
{
    private readonly List<SocketClient> _clients = [];
    private int _ever;
    private int _short;
    private int _other;

    public async Task<int> RunAsync()
    {
        var engine = new PeerOptions(arguments).Engine;
        for (var i = 0; i < count; i++)
        {
            var client = new SocketClient(new SocketClientOptions
            {
                Dialer = endPoint is UnixEndPoint unix ? Dial.Unix(unix.Path!, new UnixDialOptions { Engine = engine }) : Dial.Tcp((IPEndPoint)endPoint, new TcpDialOptions { Engine = engine }),
                Framer = Framers.Lines(),
                Reconnect = new BackoffReconnect(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(500)),
            });
            client.StateChanged += (_, change) => Note(change);
            _clients.Add(client);
            _ = client.ConnectAsync();
        }

        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line.Split(' ') is ["drop", var number])
            {
                foreach (var client in _clients.Where(client => client.State == ClientState.Connected).Take(int.Parse(number, null)).ToArray())
                {
                    _clients.Remove(client);
                    await client.DisposeAsync();
                }

                Console.WriteLine("dropped");
            }
            else
            {
                Console.WriteLine($"stats connected={_clients.Count(client => client.State == ClientState.Connected)} ever={_ever} short={_short} other={_other}");
            }
        }

        return 0;
    }

    private void Note(ClientStateChange change)
    {
        if (change.To == ClientState.Connected)
        {
            Interlocked.Increment(ref _ever);
        }
        else if (change.Reason?.Exception is SocketException { SocketErrorCode: SocketError.TooManyOpenSockets })
        {
            Interlocked.Increment(ref _short);
        }
        else if (change.Reason?.Exception is { } exception)
        {
            Interlocked.Increment(ref _other);
            Console.WriteLine($"other {exception.GetType().Name} {exception.Message}");
        }
    }
}
