using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>Records that make work and no message.</summary>
[Trait("Fault", "X48")]
public class TlsFloodTests(ITestOutputHelper output)
{
    [OpenSslTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_few_renewals_of_keys_pass_and_a_flood_is_refused(bool asksForOurs)
    {
        await using var server = await TlsServer.StartAsync(options => options.Protocols = SslProtocols.Tls13);
        using var peer = await TlsPeer.ConnectAsync(server.EndPoint);
        var session = await server.OpenedAsync();
        await peer.EchoAsync("hello");
        await peer.Raw.SendAsync(KeyUpdates.Make(peer.Stream, 40, asksForOurs));
        await peer.EchoAsync("still here");

        await SendAsync(peer, KeyUpdates.Make(peer.Stream, 20_000, asksForOurs));

        var reason = await session.ClosedAsync();
        reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);
        server.Server.Connections.Should().BeEmpty();
    }

    // As many bytes of data as there are records, so that the number of the records says nothing.
    [OpenSslTheory]
    [InlineData(62, 63)]
    [InlineData(1, 1)]
    [InlineData(20, 2_000)]
    public async Task Data_in_between_is_no_excuse(int renewals, int data)
    {
        await using var server = await TlsServer.StartAsync(options => options.Protocols = SslProtocols.Tls13, (_, _) => default);
        using var peer = await TlsPeer.ConnectAsync(server.EndPoint);
        var session = await server.OpenedAsync();
        var line = System.Text.Encoding.ASCII.GetBytes(new string('a', data - 1) + "\n");
        for (var round = 0; round < 20_000 && !session.Connection.Closed.IsCompleted; round++)
        {
            await SendAsync(peer, KeyUpdates.Make(peer.Stream, renewals, asksForOthers: true));
            try
            {
                await peer.Stream.WriteAsync(line);
            }
            catch (IOException)
            {
                break;
            }
        }

        var reason = await session.ClosedAsync();
        reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.TooManyEmptyRecords);
    }

    [OpenSslTheory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Others_are_served_beside_floods_that_come_again(int floods)
    {
        const int honest = 12;
        await using var server = await TlsServer.StartAsync(options => options.Protocols = SslProtocols.Tls13);
        var peers = await Task.WhenAll(Enumerable.Range(0, honest).Select(_ => TlsPeer.ConnectAsync(server.EndPoint)));
        using var stop = new CancellationTokenSource();
        var attacks = Enumerable.Range(0, floods).Select(_ => Task.Run(() => FloodAsync(server, stop.Token))).ToArray();

        var times = new List<double>();
        for (var i = 0; i < 100; i++)
        {
            times.AddRange(await Task.WhenAll(peers.Select(async peer =>
            {
                var began = Stopwatch.GetTimestamp();
                await peer.EchoAsync($"{i}");
                return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            })));
        }

        await stop.CancelAsync();
        var refusals = await Task.WhenAll(attacks);
        times.Sort();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"X48: {times.Count} echoes of {honest} connections beside {floods} floods, {refusals.Sum()} of them refused: median {times[times.Count / 2]:0.0} ms, p99 {times[times.Count * 99 / 100]:0.0} ms"));
        refusals.Should().OnlyContain(refused => refused > 0);
        Array.ForEach(peers, peer => peer.Dispose());
    }

    private static async Task<int> FloodAsync(TestServer server, CancellationToken stop)
    {
        var refused = 0;
        do
        {
            using var peer = await TlsPeer.ConnectAsync(server.EndPoint);
            await SendAsync(peer, KeyUpdates.Make(peer.Stream, 20_000));
            refused += await IsEndedAsync(peer) ? 1 : 0;
        }
        while (!stop.IsCancellationRequested);

        return refused;
    }

    /// <summary>Sends what the server takes before it closes.</summary>
    private static async Task SendAsync(TlsPeer peer, byte[] records)
    {
        try
        {
            await peer.Raw.SendAsync(records);
        }
        catch (SocketException)
        {
            // It has closed already, as it shall.
        }
    }

    private static async Task<bool> IsEndedAsync(TlsPeer peer)
    {
        try
        {
            return await peer.Stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TestServer.Patience) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
