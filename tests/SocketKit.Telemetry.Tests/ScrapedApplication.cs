using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using SocketKit.Diagnostics;

namespace SocketKit.Telemetry.Tests;

/// <summary>
/// An application as its users write it: OpenTelemetry with its Prometheus exporter, a server and a client over TCP. It is used, scraped
/// over HTTP, and then made to show every other instrument too.
/// </summary>
public sealed class ScrapedApplication : IAsyncLifetime
{
    public const string Gateway = "gateway";
    public const string Device = "device";
    public const int MaxFrameLength = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TaskCompletionSource<IConnection> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IDisposable _certificate = CertificateExpiry.Watch("api", () => DateTimeOffset.UtcNow.AddDays(30));
    private WebApplication _application = null!;
    private SocketServer _server = null!;
    private SocketClient _client = null!;

    /// <summary>While the client was connected and had done some work.</summary>
    internal Scrape Used { get; private set; } = null!;

    /// <summary>With every instrument that the library has.</summary>
    internal Scrape Complete { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("SocketKit").AddPrometheusExporter(exporter => exporter.ScrapeResponseCacheDurationMilliseconds = 0));
        _application = builder.Build();
        _application.MapPrometheusScrapingEndpoint();
        await _application.StartAsync().WaitAsync(Patience);

        var echo = new Echo();
        _server = new SocketServer(new SocketServerOptions
        {
            Name = Gateway,
            Listeners = { Listen.Tcp("127.0.0.1", 0) },
            Framer = Framers.Lines(),
            MaxFrameLength = MaxFrameLength,
            MaxConnections = 1,
            HandlerFactory = connection =>
            {
                _first.TrySetResult(connection);
                return echo;
            },
        });
        await _server.StartAsync().WaitAsync(Patience);
        var endPoint = (IPEndPoint)_server.EndPoints[0];
        await BreakTheProtocolAsync(endPoint);

        _client = new SocketClient(new SocketClientOptions { Name = Device, Dialer = Dial.Tcp("127.0.0.1", endPoint.Port), Framer = Framers.Lines() });
        await _client.ConnectAsync().WaitAsync(Patience);
        for (var count = 0; count < 10; count++)
        {
            using var response = await _client.RequestAsync("hello").AsTask().WaitAsync(Patience);
        }

        await BeRefusedAsync(endPoint);
        // Counts follow what they count: the peer may have an answer before the counter has it.
        var patience = Stopwatch.StartNew();
        do
        {
            Used = await ScrapeAsync();
        }
        while ((Used.Sum("socketkit_network_messages_total") < 40 || !Used.Samples.Any(sample => sample.Labels.GetValueOrDefault("error_type") == "TooManyConnections")) && patience.Elapsed < Patience);

        Touch();
        Complete = await ScrapeAsync();
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
        await _application.DisposeAsync();
        _certificate.Dispose();
    }

    private async Task BreakTheProtocolAsync(IPEndPoint endPoint)
    {
        using var peer = new TcpClient();
        await peer.ConnectAsync(endPoint).WaitAsync(Patience);
        await peer.GetStream().WriteAsync(new byte[MaxFrameLength * 2]);
        await UntilEndAsync(peer);
        peer.Client.Shutdown(SocketShutdown.Both);

        // There is room for one connection.
        await (await _first.Task.WaitAsync(Patience)).Closed.WaitAsync(Patience);
    }

    private static async Task BeRefusedAsync(IPEndPoint endPoint)
    {
        using var peer = new TcpClient();
        try
        {
            await peer.ConnectAsync(endPoint).WaitAsync(Patience);
            await UntilEndAsync(peer);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            // Reset, before the connect returned or after it.
        }
    }

    private static async Task UntilEndAsync(TcpClient peer)
    {
        var buffer = new byte[256];
        while (await peer.GetStream().ReadAsync(buffer).AsTask().WaitAsync(Patience) > 0)
        {
        }
    }

    /// <summary>
    /// Makes instruments appear that a few seconds of use do not bring about: a series is there from its first measurement on.
    /// </summary>
    private static void Touch()
    {
        foreach (var property in typeof(SocketKitMetrics).GetProperties(BindingFlags.Static | BindingFlags.Public))
        {
            switch (property.GetValue(null))
            {
                case SafeCounter counter:
                    counter.Add(0);
                    break;
                case SafeHistogram histogram:
                    histogram.Record(0, default);
                    break;
                default:
                    break;
            }
        }
    }

    private async Task<Scrape> ScrapeAsync()
    {
        var address = _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using var http = new HttpClient { BaseAddress = new Uri(address), Timeout = Patience };
        return new Scrape(await http.GetStringAsync(new Uri("/metrics", UriKind.Relative)));
    }

    private sealed class Echo : ConnectionHandler
    {
        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => connection.SendAsync(message);
    }
}

/// <summary>One application for all tests: what its process measures is one sum.</summary>
[CollectionDefinition(Name)]
public sealed class ScrapedTests : ICollectionFixture<ScrapedApplication>
{
    public const string Name = "scraped";
}
