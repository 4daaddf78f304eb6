using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>What the metric of handshakes says of those that fail.</summary>
[Collection(ListeningTests.Name)]
public class TlsHandshakeErrorTests
{
    [Fact]
    public Task A_peer_that_speaks_something_else() => ServerErrorAsync("NotTls", async wire => await wire.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray()));

    [Fact]
    public Task A_peer_that_leaves() => ServerErrorAsync("PeerLeft", async wire =>
    {
        await wire.SendAsync(new byte[] { 22, 3, 1, 0, 100, 1 });
        await wire.CompleteOutputAsync();
    });

    [Fact]
    public Task A_peer_that_resets() => ServerErrorAsync("PeerReset", async wire =>
    {
        await wire.SendAsync(new byte[] { 22, 3, 1, 0, 100, 1 });
        wire.Abort();
    });

    [Fact]
    public async Task A_name_that_the_certificate_is_not_for()
    {
        using var duration = Duration();
        await OpenInVainAsync(TestAuthority.Shared.DialOptions(options => options.ServerName = "other.test"), TestAuthority.Shared.ListenOptions());

        ErrorsOf(duration, "client").Should().Equal("CertificateNameMismatch");
    }

    [Fact]
    public async Task A_name_that_nobody_is_for_and_the_alert_that_says_so()
    {
        using var duration = Duration();
        await OpenInVainAsync(TestAuthority.Shared.DialOptions(), TestAuthority.Shared.ListenOptions(options =>
        {
            options.ServerNames.Add("a.test", options.Certificate!);
            options.Certificate = null;
        }));

        ErrorsOf(duration, "client").Should().Equal("PeerRefused");
        ErrorsOf(duration, "server").Should().Equal("UnknownServerName");
    }

    [Fact]
    public async Task A_handshake_that_is_given_up()
    {
        using var duration = Duration();
        using var deadline = new CancellationTokenSource();
        var (client, server) = await ConnectAsync();
        await client.SendAsync(new byte[] { 22 });
        var opening = new TlsTransport(server, new TlsServerSide(TestAuthority.Shared.ListenOptions()), new()).OpenAsync(deadline.Token).AsTask();
        using (var patience = new CancellationTokenSource(TestBed.Patience))
        {
            while (TlsHandshake.ObserveActive().All(measurement => measurement.Value == 0))
            {
                await Task.Delay(1, patience.Token);
            }
        }

        await deadline.CancelAsync();
        await FluentActions.Awaiting(() => opening.WaitAsync(TestBed.Patience)).Should().ThrowAsync<OperationCanceledException>();

        ErrorsOf(duration, "server").Should().Equal("cancelled");
    }

    private static async Task ServerErrorAsync(string error, Func<Transport, Task> act)
    {
        using var duration = Duration();
        var (client, server) = await ConnectAsync();
        var opening = new TlsTransport(server, new TlsServerSide(TestAuthority.Shared.ListenOptions()), new()).OpenAsync(CancellationToken.None).AsTask();
        await act(client);

        await FluentActions.Awaiting(() => opening.WaitAsync(TestBed.Patience)).Should().ThrowAsync<Exception>();

        ErrorsOf(duration, "server").Should().Equal(error);
    }

    private static async Task OpenInVainAsync(TlsDialOptions dial, TlsListenOptions listen)
    {
        var (client, server) = await ConnectAsync();
        var opening = Task.WhenAll(
            new TlsTransport(client, new TlsClientSide(dial, host: null), new()).OpenAsync(CancellationToken.None).AsTask(),
            new TlsTransport(server, new TlsServerSide(listen), new()).OpenAsync(CancellationToken.None).AsTask());
        await FluentActions.Awaiting(() => opening.WaitAsync(TestBed.Patience)).Should().ThrowAsync<TlsException>();
    }

    private static MetricCollector<double> Duration() => new(null, "SocketKit", "socketkit.tls_handshake.duration");

    private static IEnumerable<string?> ErrorsOf(MetricCollector<double> duration, string role) => duration.GetMeasurementSnapshot()
        .Where(measurement => measurement.Tags["socketkit.role"] as string == role)
        .Select(measurement => measurement.Tags.GetValueOrDefault("error.type") as string);

    private static ValueTask<(Transport Client, Transport Server)> ConnectAsync()
    {
        var network = new InMemoryNetwork();
        return TestAuthority.ConnectAsync(network.Listen("server"), () => network.Dial("server"));
    }
}
