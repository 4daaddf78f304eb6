using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace SocketKit.Hosting.Tests.TestDoubles;

/// <summary>A host that knows nothing but what a test says, with a container that checks scopes, and an in-memory network.</summary>
internal sealed class HostBed : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HostApplicationBuilder _builder = new(new HostApplicationBuilderSettings { DisableDefaults = true });
    private IHost? _host;

    public HostBed()
    {
        _builder.ConfigureContainer(new DefaultServiceProviderFactory(new ServiceProviderOptions { ValidateScopes = true, ValidateOnBuild = true }));
        _builder.Logging.AddFakeLogging();
        _builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(20));
    }

    public InMemoryNetwork Network { get; } = new();

    public IServiceCollection Services => _builder.Services;

    public ConfigurationManager Configuration => _builder.Configuration;

    public IHost Host => _host ??= _builder.Build();

    public FakeLogCollector Logs => Host.Services.GetFakeLogCollector();

    /// <summary>A server that listens at its own name, with lines.</summary>
    public SocketServerBuilder AddServer(string name, Action<SocketServerOptions>? configure = null) => Services.AddSocketServer(name, options =>
    {
        options.Listeners.Add(Network.Listen(name));
        options.Framer = Framers.Lines();
        configure?.Invoke(options);
    });

    public ISocketServer Server(string name) => Host.Services.GetRequiredKeyedService<ISocketServer>(name);

    public async Task<HostBed> StartAsync()
    {
        await Host.StartAsync().WaitAsync(Patience);
        return this;
    }

    public Task StopAsync() => Host.StopAsync().WaitAsync(Patience);

    /// <summary>A client of a server of this host.</summary>
    public async Task<SocketClient> ConnectAsync(string name)
    {
        var client = new SocketClient(new SocketClientOptions { Dialer = Network.Dial(name), Framer = Framers.Lines() });
        await client.ConnectAsync().WaitAsync(Patience);
        return client;
    }

    /// <summary>Asks once, on a connection of its own.</summary>
    public async Task<string> AskAsync(string name, string request)
    {
        await using var client = await ConnectAsync(name);
        using var response = await client.RequestAsync(request).AsTask().WaitAsync(Patience);
        return response.ToString();
    }

    /// <summary>Log lines of this package.</summary>
    public IEnumerable<FakeLogRecord> OwnLogs => Logs.GetSnapshot().Where(record => record.Category!.StartsWith("SocketKit.Hosting", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await ((IAsyncDisposable)_host).DisposeAsync().AsTask().WaitAsync(Patience);
        }
    }
}

internal static class Text
{
    public static string Of(ReadOnlyMemory<byte> message) => System.Text.Encoding.UTF8.GetString(message.Span);

    public static int Port(this ISocketServer server) => ((IPEndPoint)server.EndPoints[0]).Port;
}
