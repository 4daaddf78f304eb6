using System.Net;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Epoll;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>Accepting on a loop that has others to serve.</summary>
[Trait("Fault", "X37")]
public class EpollListenerTests
{
    private const int PerTurn = 64;
    private const int Newcomers = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_crowd_of_newcomers_leaves_the_loops_connections_their_turn()
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new(), default);
        var peers = new List<Socket>();
        for (var number = 0; number < Newcomers; number++)
        {
            var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            peers.Add(peer);
            await peer.ConnectAsync((IPEndPoint)listener.EndPoint).WaitAsync(Patience);
        }

        var accepted = new List<Transport>();
        int? before = null;
        Probe? probe = null;
        await AcceptAsync().WaitAsync(Patience);

        // What is left of this turn, and one that was armed before the loop looked at its queue. None, if the accept took so long (compiled
        // for the first time) that another thread has got the loop.
        before.Should().BeInRange(0, 2 * PerTurn);
        probe!.Dispose();
        peers.ForEach(peer => peer.Dispose());
        foreach (var transport in accepted)
        {
            await transport.DisposeAsync();
        }

        async Task AcceptAsync()
        {
            while (accepted.Count < Newcomers)
            {
                // It goes on where the listener is.
                accepted.Add((await listener.AcceptAsync().ConfigureAwait(false))!);
                if (probe is null && EpollLoop.Current is { } loop)
                {
                    probe = new Probe(loop);
                    var soFar = accepted.Count;
                    Turn.Queue(probe, () => before = accepted.Count - soFar);
                }
            }
        }
    }
}
