using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SocketKit.AspNetCore.Endpoints;

/// <summary>
/// A server on end points of Kestrel's: it listens nowhere itself, is started with the first end point that names it, and begins its drain
/// when the application stops.
/// </summary>
internal sealed class KestrelEndpoint : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly SocketServerOptions _options;
    private KestrelListener? _listener;
    private CancellationTokenRegistration _registration;
    private CancellationToken _stopping;

    private KestrelEndpoint(SocketServerOptions options)
    {
        if (options.Listeners.Count > 0)
        {
            throw new OptionsException("SocketServerOptions.Listeners", "must be empty here: Kestrel listens; remove it, or start a SocketServer of its own");
        }

        _options = options;
        Server = new SocketServer(options);
    }

    public SocketServer Server { get; }

    /// <summary>Makes one. Options are made in this order: what the application knows, what the program says.</summary>
    public static KestrelEndpoint Create(IServiceProvider services, string? name, Action<IServiceProvider, SocketServerOptions> configure)
    {
        // The name tells it from others on a dashboard.
        var options = new SocketServerOptions { Name = name, LoggerFactory = services.GetService<ILoggerFactory>() };
        options.TimeProvider = services.GetService<TimeProvider>() ?? options.TimeProvider;
        configure(services, options);
        return new KestrelEndpoint(options);
    }

    /// <summary>Serves one more end point.</summary>
    public void Open(EndPoint endPoint, IServiceProvider services)
    {
        lock (_lock)
        {
            if (_listener is not null)
            {
                return;
            }

            _listener = new KestrelListener(endPoint);
            _options.Listeners.Add(_listener);

            // Nothing to wait for: there is no address to take. Options that are wrong are told here, before Kestrel listens.
            Server.StartAsync().GetAwaiter().GetResult();
            _stopping = services.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? default;
            _registration = _stopping.UnsafeRegister(static server => _ = ((SocketServer)server!).StopAsync(), Server);
        }
    }

    /// <summary>Runs one connection, until the server has released it.</summary>
    public async Task RunAsync(ConnectionContext connection)
    {
        DeadPeers.LookFor(connection, _options.SlowConsumerTimeout);
        var transport = new PipeTransport(connection);

        // The drain of the whole server says more than the end of one connection's input.
        var requested = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        await using var closing = requested.UnsafeRegister(_ =>
        {
            if (!_stopping.IsCancellationRequested)
            {
                transport.EndInput();
            }
        }, null).ConfigureAwait(false);
        if (!_listener!.Offer(transport))
        {
            connection.Abort(new ConnectionAbortedException("The server is stopping"));
            return;
        }

        await transport.Released.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync().ConfigureAwait(false);
        await Server.DisposeAsync().ConfigureAwait(false);
    }
}
