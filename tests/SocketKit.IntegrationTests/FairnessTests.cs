using System.Diagnostics;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>Peers that would keep the server to themselves.</summary>
public class FairnessTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("spin\n")]
    [InlineData("yield\n")]
    public async Task Peers_that_never_stop_sending_leave_turns_to_the_others(string first)
    {
        // Two threads, four floods: without turns the quiet one would never be served.
        await using var child = await ChildProcess.ServeAsync("min-threads=2", "max-threads=2");
        using var quiet = await RawPeer.ConnectAsync(child.EndPoint);
        await quiet.EchoAsync("hello");
        using var end = new CancellationTokenSource();
        var flood = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("spin\n", 10_000)));
        var floods = new List<Task>();
        for (var i = 0; i < 4; i++)
        {
            var peer = await RawPeer.ConnectAsync(child.EndPoint);
            await peer.SendAsync(first);
            floods.Add(Task.Run(() => FloodAsync(peer, flood, end.Token)));
        }

        var slowest = TimeSpan.Zero;
        for (var i = 0; i < 20; i++)
        {
            var watch = Stopwatch.StartNew();
            await quiet.EchoAsync($"quiet {i}");
            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
        }

        output.WriteLine($"Beside four floods on two threads the slowest of 20 echoes took {slowest.TotalMilliseconds:0} ms");
        slowest.Should().BeLessThan(Bounds.Seconds(2));
        await end.CancelAsync();

        // Floods that wait for room end with the server.
        await child.DisposeAsync();
        await Task.WhenAll(floods).WaitAsync(TestServer.Patience);
    }

    private static async Task FloodAsync(RawPeer peer, byte[] flood, CancellationToken end)
    {
        using (peer)
        {
            try
            {
                while (!end.IsCancellationRequested)
                {
                    await peer.SendAsync(flood);
                }
            }
            catch (SocketException) when (end.IsCancellationRequested)
            {
                // The server is gone.
            }
        }
    }
}
