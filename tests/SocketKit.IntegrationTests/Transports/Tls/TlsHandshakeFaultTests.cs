using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>
/// Handshakes that stall, are no handshakes, or are too many. The flood lasts 5 s; with SOCKETKIT_FLOOD_SECONDS=60 as long as that.
/// </summary>
public class TlsHandshakeFaultTests(ITestOutputHelper output)
{
    public static TheoryData<string, byte[]> ForeignBytes => new()
    {
        { "a line", "1\n"u8.ToArray() },
        { "HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray() },
        { "SSH", "SSH-2.0-OpenSSH_9.6\r\n"u8.ToArray() },
        { "zeros", new byte[100] },
        { "SSL 2.0", [0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 16] },
    };

    [Theory]
    [Trait("Fault", "F03")]
    [Trait("Fault", "T03")]
    [MemberData(nameof(ForeignBytes))]
    public async Task A_plain_client_of_a_TLS_port_is_refused_at_once(string name, byte[] bytes)
    {
        await using var server = await TlsServer.StartAsync();
        using var bystander = await TlsPeer.ConnectAsync(server.EndPoint);
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);

        var watch = Stopwatch.StartNew();
        await peer.SendAsync(bytes);
        await peer.GoneAsync();

        output.WriteLine($"F03: {name} on a TLS port: closed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        (await LineAsync(server, "OpenFailed")).Should().Contain("does not speak TLS");
        server.LogFrom(LogLevel.Error).Should().BeEmpty();
        await bystander.EchoAsync("still here");
    }

    [Fact]
    [Trait("Fault", "F03")]
    public async Task A_TLS_client_of_a_plain_port_fails_at_once_when_the_server_answers_in_plain()
    {
        await using var server = await TestServer.StartAsync((connection, _) => connection.SendAsync("what?"u8.ToArray()), options => options.Framer = Framers.Raw());
        var watch = Stopwatch.StartNew();

        var failure = await FluentActions.Awaiting(() => TlsServer.ConnectAsync(server)).Should().ThrowAsync<ConnectException>();

        output.WriteLine($"F03: a TLS client of a plain port failed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        failure.Which.Reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.NotTls);
    }

    [Fact]
    [Trait("Fault", "F03")]
    public async Task A_TLS_client_of_a_plain_port_fails_at_once_when_the_server_closes()
    {
        await using var server = await TestServer.StartAsync(configure: options => options.Framer = Framers.LengthPrefixed());
        var watch = Stopwatch.StartNew();

        var failure = await FluentActions.Awaiting(() => TlsServer.ConnectAsync(server)).Should().ThrowAsync<ConnectException>();

        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        failure.Which.Reason.Kind.Should().Be(CloseKind.OpenFailed);
        (await (await server.OpenedAsync()).ClosedAsync()).Kind.Should().Be(CloseKind.FrameTooLarge);
    }

    [Theory]
    [Trait("Fault", "T03")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_handshake_that_stalls_ends_at_the_open_deadline(int flights)
    {
        await using var server = await TlsServer.StartAsync(configure: options => options.OpenTimeout = TimeSpan.FromSeconds(1));
        var hello = await HelloAsync();
        var watch = Stopwatch.StartNew();
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);

        // Nothing, half of the hello, or all of it and then nothing.
        await peer.SendAsync(hello[..(hello.Length * flights / 2)]);
        await peer.GoneAsync();

        output.WriteLine($"T03: stalled after {flights} halves of the first flight: closed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeGreaterThan(TimeSpan.FromSeconds(0.8)).And.BeLessThan(Bounds.Seconds(1.2));
        server.Waiting.Should().Be(0);
        server.LogFrom(LogLevel.Error).Should().BeEmpty();
    }

    [Fact]
    [Trait("Fault", "F05")]
    public async Task A_byte_now_and_then_does_not_move_the_deadline()
    {
        const int count = 100;
        await using var server = await TlsServer.StartAsync(configure: options => options.OpenTimeout = TimeSpan.FromSeconds(2));
        var hello = await HelloAsync();
        var peers = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => RawPeer.ConnectAsync(server.EndPoint)));
        var watch = Stopwatch.StartNew();

        await Task.WhenAll(peers.Select(async peer =>
        {
            // The rhythm is the fault: a byte before any time-out of silence could end.
            using var rhythm = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            try
            {
                for (var i = 0; i < hello.Length && watch.Elapsed < TimeSpan.FromSeconds(20); i++)
                {
                    await peer.SendAsync([hello[i]]);
                    await rhythm.WaitForNextTickAsync();
                }
            }
            catch (SocketException)
            {
                // Closed, as it must be.
            }
        }));

        output.WriteLine($"F05 on TLS: {count} connections of a byte every 100 ms were closed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(2.5));
        server.Waiting.Should().Be(0);
        using var newcomer = await TlsPeer.ConnectAsync(server.EndPoint);
        await newcomer.EchoAsync("hello");
        foreach (var peer in peers)
        {
            peer.Dispose();
        }
    }

    [Fact]
    [Trait("Fault", "T03")]
    public async Task Broken_hellos_harm_nobody_else()
    {
        const int count = 500;
        await using var server = await TlsServer.StartAsync(configure: options => options.OpenTimeout = TimeSpan.FromSeconds(2));
        using var bystander = await TlsPeer.ConnectAsync(server.EndPoint);
        var hello = await HelloAsync();
        var random = new Random(1);

        for (var i = 0; i < count; i += 50)
        {
            await Task.WhenAll(Enumerable.Range(0, 50).Select(_ =>
            {
                var broken = hello.ToArray();
                for (var changes = random.Next(1, 8); changes > 0; changes--)
                {
                    broken[random.Next(random.Next(2) == 0 ? 16 : broken.Length)] = (byte)random.Next(256);
                }

                return SendAndLeaveAsync(broken[..random.Next(1, broken.Length + 1)]);
            }));
            await bystander.EchoAsync($"after {i}");
        }

        server.LogFrom(LogLevel.Error).Should().BeEmpty();
        using var newcomer = await TlsPeer.ConnectAsync(server.EndPoint);
        await newcomer.EchoAsync("hello");

        async Task SendAndLeaveAsync(byte[] bytes)
        {
            using var peer = await RawPeer.ConnectAsync(server.EndPoint);
            try
            {
                await peer.SendAsync(bytes);
                peer.Finish();
                await peer.GoneAsync();
            }
            catch (SocketException)
            {
                // Reset while sending: as good.
            }
        }
    }

    /// <summary>A sixteenth of the peers, and of the places: 5 addresses with 80 peers each, 300 with 2 and 600 with 4 against 256
    /// places.</summary>
    [Theory]
    [Trait("Fault", "X16")]
    [Trait("Fault", "L07")]
    [InlineData(5, 80, false)]
    [InlineData(5, 80, true)]
    [InlineData(300, 2, false)]
    [InlineData(300, 2, true)]
    [InlineData(600, 4, false)]
    [InlineData(600, 4, true)]
    public async Task Peers_that_stall_in_the_handshake_take_no_place_from_others(int addresses, int each, bool whole)
    {
        var scale = int.TryParse(Environment.GetEnvironmentVariable("SOCKETKIT_STALL_SCALE"), CultureInfo.InvariantCulture, out var asked) ? asked : 1;
        (addresses, each) = addresses < 16 ? (addresses, each * scale / 16) : ((addresses * scale / 16) + 1, each);
        await using var server = await TlsServer.StartAsync(options => options.MaxHandshakes = 16 * scale, configure: options => options.MaxConnections = 10_000);
        var hello = await HelloAsync();
        var stalled = new List<RawPeer>();
        try
        {
            for (var i = 0; i < addresses * each; i++)
            {
                var address = i % addresses;
                var peer = await RawPeer.ConnectAsync(server.EndPoint, source: new System.Net.IPEndPoint(System.Net.IPAddress.Parse($"127.0.{1 + (address / 200)}.{2 + (address % 200)}"), 0));
                stalled.Add(peer);
                await peer.SendAsync(whole ? hello : hello[..(hello.Length / 2)]);
            }

            if (whole)
            {
                // Each has its answer, so its handshake is under way.
                foreach (var peer in stalled)
                {
                    await peer.ReceiveAsync(1);
                }
            }

            var latencies = new List<double>();
            for (var i = 0; i < 20; i++)
            {
                var watch = Stopwatch.StartNew();
                using var honest = await TlsPeer.ConnectAsync(server.EndPoint);
                await honest.EchoAsync("hello");
                latencies.Add(watch.Elapsed.TotalMilliseconds);
            }

            latencies.Sort();
            output.WriteLine($"X16: beside {stalled.Count} peers from {addresses} addresses that stall after {(whole ? "a" : "half a")} ClientHello: p50 {latencies[latencies.Count / 2]:0} ms, max {latencies[^1]:0} ms");
            latencies[^1].Should().BeLessThan(Bounds.Seconds(1).TotalMilliseconds);
        }
        finally
        {
            stalled.ForEach(peer => peer.Dispose());
        }
    }

    [Fact]
    [Trait("Fault", "L07")]
    public async Task A_flood_of_handshakes_from_one_address_is_not_in_the_way_of_another()
    {
        var time = TimeSpan.FromSeconds(int.TryParse(Environment.GetEnvironmentVariable("SOCKETKIT_FLOOD_SECONDS"), CultureInfo.InvariantCulture, out var asked) ? asked : 5);
        await using var server = await TlsServer.StartAsync(options => options.MaxHandshakes = 16);
        await using var flood = ChildProcess.Start("tls-flood", $"{server.Port}", "200");
        await flood.WaitForAsync("flooding");
        await LineAsync(server, "TLS handshakes wait");
        var latencies = new List<double>();
        var began = Stopwatch.StartNew();
        while (began.Elapsed < time)
        {
            var watch = Stopwatch.StartNew();
            using var peer = await TlsPeer.ConnectAsync(server.EndPoint);
            await peer.EchoAsync("hello");
            latencies.Add(watch.Elapsed.TotalMilliseconds);
        }

        latencies.Sort();
        var p99 = latencies[Math.Min(latencies.Count - 1, latencies.Count * 99 / 100)];
        flood.Command("count");
        var handshakes = await flood.WaitForAsync("handshakes ");
        output.WriteLine($"L07: {latencies.Count} connects beside a flood ({handshakes} in about {time.TotalSeconds} s): p50 {latencies[latencies.Count / 2]:0} ms, p99 {p99:0} ms, max {latencies[^1]:0} ms");
        p99.Should().BeLessThan(Bounds.Seconds(1).TotalMilliseconds);
    }

    /// <summary>The first flight of a client.</summary>
    private static async Task<byte[]> HelloAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        var connecting = TlsPeer.ConnectAsync(listener.LocalEndPoint!, options => options.EnabledSslProtocols = SslProtocols.Tls13);
        using var socket = await listener.AcceptAsync();
        var buffer = new byte[4096];
        var count = await socket.ReceiveAsync(buffer);
        socket.Dispose();
        await FluentActions.Awaiting(() => connecting).Should().ThrowAsync<Exception>();
        return buffer[..count];
    }

    private static Task<string> LineAsync(TestServer server, string part) =>
        Eventually.SomeAsync(() => server.Logs.GetSnapshot().Select(record => record.Message).FirstOrDefault(message => message.Contains(part)), part);
}
