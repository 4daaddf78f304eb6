using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Services;

/// <summary>Lets the host start and stop one server: addresses are taken in the start, a stop is announced before it drains.</summary>
internal sealed class HostedServer(ServerRegistration registration, IServiceProvider services, ILogger logger) : IHostedLifecycleService
{
    private volatile bool _started;
    private volatile bool _stopping;

    public string Name => registration.Name;

    /// <summary>As the server's own, and draining as soon as the host announces its stop. Does not make the server.</summary>
    public ServerState State
    {
        get
        {
            var state = _started ? Server.State : ServerState.NotStarted;
            return state is ServerState.Listening && _stopping ? ServerState.Draining : state;
        }
    }

    /// <summary>
    /// Made on first use, so that options that are wrong are told by the host's start and not by whoever asks for the hosted services.
    /// </summary>
    public ISocketServer Server => services.GetRequiredKeyedService<ISocketServer>(registration.Name);

    /// <summary>When the first of its listeners' certificates expires; null: there is none.</summary>
    public DateTimeOffset? CertificateExpires => Options.Listeners.Min(listener => listener.CertificateExpires);

    public int MaxConnections => Options.MaxConnections;

    private SocketServerOptions Options => services.GetRequiredService<IOptionsMonitor<SocketServerOptions>>().Get(registration.Name);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Server.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OptionsException exception)
        {
            var failure = StartFailure.Of(exception, registration, services);
            HostingLog.ServerFailed(logger, registration.Name, failure.Message);
            throw failure;
        }
        catch (ListenException exception)
        {
            HostingLog.ServerFailed(logger, registration.Name, exception.Message);
            throw;
        }

        _started = true;
        if (registration.Weakened is { } missing)
        {
            HostingLog.Weakened(logger, $"{registration.Section}:Listen", missing);
        }
    }

    /// <summary>
    /// From here on the server is not ready any more; connections are still taken until <see cref="StopAsync"/>, since whoever sends them
    /// learns of it a little later.
    /// </summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => _started ? Server.StopAsync(cancellationToken) : Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
