using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using SocketKit.Hosting.Tests.TestDoubles;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Health;

public class HealthCheckTests
{
    [Fact]
    public async Task Ready_is_what_listens_and_does_not_drain_and_live_is_all_the_time()
    {
        await using var host = new HostBed();
        host.Services.AddHealthChecks().AddSocketKit();
        host.AddServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        var holdUp = new HoldUp();
        host.Services.AddSingleton<IHostedService>(holdUp);

        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_server_replies", HealthStatus.Unhealthy, "does not listen yet"));
        await host.StartAsync();
        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_server_replies", HealthStatus.Healthy, "listens"));
        var stop = host.StopAsync();
        await holdUp.Asked.Task.WaitAsync(HostBed.Patience);
        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_server_replies", HealthStatus.Unhealthy, "is draining"));
        (await CheckAsync(host, "live")).Should().Equal(("socketkit_live", HealthStatus.Healthy, "running"));
        holdUp.GoOn.SetResult();
        await stop;
        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_server_replies", HealthStatus.Unhealthy, "has stopped"));
    }

    [Fact]
    public async Task A_server_that_the_program_stops_is_not_ready()
    {
        await using var host = new HostBed();
        host.Services.AddHealthChecks().AddSocketKit();
        host.AddServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        await host.StartAsync();

        await host.Server("replies").StopAsync();

        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_server_replies", HealthStatus.Unhealthy, "has stopped"));
        await host.StopAsync();
    }

    [Fact]
    public async Task A_full_server_is_degraded()
    {
        await using var host = new HostBed();
        host.Services.AddHealthChecks().AddSocketKit();
        host.AddServer("small", options => options.MaxConnections = 1).UseReplies(new GuessThanksSorryOkReplies());
        await host.StartAsync();
        await using (var client = await host.ConnectAsync("small"))
        {
            (await CheckAsync(host, "ready")).Should().Equal(("socketkit_server_small", HealthStatus.Degraded, "refuses connections: 1 are connected (MaxConnections)"));
        }

        host.Network.Settle();
        (await CheckAsync(host, "ready")).Single().Status.Should().Be(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_client_that_is_not_connected_is_degraded()
    {
        await using var host = new HostBed();
        host.Services.AddHealthChecks().AddSocketKit();
        host.AddServer("there").UseReplies(new GuessThanksSorryOkReplies());
        host.Services.AddSocketClient("good", options => (options.Dialer, options.Framer) = (host.Network.Dial("there"), Framers.Lines())).WaitForConnection();
        host.Services.AddSocketClient("bad", options => (options.Dialer, options.Framer, options.Reconnect) = (host.Network.Dial("nowhere"), Framers.Lines(), null));
        await host.StartAsync();
        (string Name, HealthStatus Status, string? Text)[] checks = [];
        await Eventually.TrueAsync(async () =>
        {
            checks = await CheckAsync(host, "ready");
            return checks.Contains(("socketkit_client_bad", HealthStatus.Degraded, "is not connected (Disconnected: ConnectFailed)"));
        });

        checks.Should().Contain(("socketkit_client_good", HealthStatus.Healthy, "is connected"));
    }

    [Fact]
    public async Task A_certificate_warns_before_it_expires_and_fails_when_it_has()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        DateTimeOffset? notAfter = null;
        await using var host = new HostBed();
        host.Services.AddSingleton<TimeProvider>(time);
        host.Services.AddHealthChecks().AddSocketKit(options => options.Certificates["api"] = () => notAfter);

        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_certificate_api", HealthStatus.Degraded, "there is no certificate"));
        notAfter = time.GetUtcNow() + TimeSpan.FromDays(30);
        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_certificate_api", HealthStatus.Healthy, "is valid until 2030-01-31 00:00 UTC"));
        time.Advance(TimeSpan.FromDays(16));
        (await CheckAsync(host, "ready")).Single().Status.Should().Be(HealthStatus.Degraded);
        time.Advance(TimeSpan.FromDays(14));
        (await CheckAsync(host, "ready")).Should().Equal(("socketkit_certificate_api", HealthStatus.Unhealthy, "expired at 2030-01-31 00:00 UTC"));
    }

    [Fact]
    public async Task A_warning_behind_the_expiry_fails_the_start()
    {
        await using var host = new HostBed();
        host.Services.AddHealthChecks().AddSocketKit(options => options.CertificateWarning = TimeSpan.FromDays(-1));

        var thrown = (await host.Invoking(wrong => wrong.StartAsync()).Should().ThrowAsync<OptionsException>()).Which;
        thrown.Message.Should().Be("SocketKitHealthOptions.CertificateWarning: -1.00:00:00 is out of range; type a time from zero up, such as TimeSpan.FromDays(14)");
    }

    [Fact]
    public async Task A_TLS_address_of_the_configuration_is_served_and_its_certificate_belongs_to_the_server()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var certificate = TlsCertificate.CreateDevelopment();
            var (file, key) = (Path.Combine(folder.FullName, "tls.crt"), Path.Combine(folder.FullName, "tls.key"));
            await File.WriteAllTextAsync(file, certificate.ExportPem());
            using (var secret = certificate.Certificate.GetECDsaPrivateKey()!)
            {
                await File.WriteAllTextAsync(key, secret.ExportPkcs8PrivateKeyPem());
            }

            var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
            await using var host = new HostBed();
            host.Services.AddSingleton<TimeProvider>(time);
            host.Services.AddHealthChecks().AddSocketKit();
            host.Services.AddSocketServer("secure").UseReplies(new GuessThanksSorryOkReplies());
            host.Configuration["SocketKit:Servers:secure:Listen"] = $"tls://127.0.0.1:0?cert={file}&key={key}";
            host.Configuration["SocketKit:Servers:secure:Framing"] = "Lines";
            await host.StartAsync();

            var port = ((IPEndPoint)host.Server("secure").EndPoints[0]).Port;
            await using var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Url($"tls://localhost:{port}?ca={file}"), Framer = Framers.Lines() });
            await client.ConnectAsync().WaitAsync(HostBed.Patience);
            using (var reply = await client.RequestAsync("1").AsTask().WaitAsync(HostBed.Patience))
            {
                reply.ToString().Should().Be("你猜!");
            }

            (await CheckAsync(host, "ready")).Should().Equal(("socketkit_server_secure", HealthStatus.Healthy, "listens"));
            // The calendar alone: no timer has to fire a million times.
            time.AdjustTime(time.GetUtcNow() + TimeSpan.FromDays(80));
            var soon = (await CheckAsync(host, "ready")).Single();
            soon.Status.Should().Be(HealthStatus.Degraded);
            soon.Text.Should().StartWith("its certificate expires at 20");
            time.AdjustTime(time.GetUtcNow() + TimeSpan.FromDays(11));
            var late = (await CheckAsync(host, "ready")).Single();
            late.Status.Should().Be(HealthStatus.Unhealthy);
            late.Text.Should().StartWith("its certificate expired at 20");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Asked_for_twice_the_checks_are_there_once()
    {
        await using var host = new HostBed();
        host.Services.AddHealthChecks().AddSocketKit().AddSocketKit();
        (await CheckAsync(host, "live")).Should().ContainSingle();
    }

    private static async Task<(string Name, HealthStatus Status, string? Text)[]> CheckAsync(HostBed host, string tag)
    {
        var report = await host.Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(registration => registration.Tags.Contains(tag) && registration.Tags.Contains("socketkit"));
        return [.. report.Entries.Select(entry => (entry.Key, entry.Value.Status, entry.Value.Description))];
    }

    private sealed class HoldUp : IHostedService
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            Asked.SetResult();
            return GoOn.Task;
        }
    }
}
