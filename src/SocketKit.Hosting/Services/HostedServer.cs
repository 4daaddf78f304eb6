using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Services;

/// <summary>Where a hosted server is in its life.</summary>
internal enum ServerPhase
{
    NotStarted,
    Listening,
    Draining,
    Stopped,
}

/// <summary>Lets the host start and stop one server: addresses are taken in the start, a stop is announced before it drains.</summary>
internal sealed class HostedServer(ServerRegistration registration, IServiceProvider services, ILogger logger) : IHostedLifecycleService
{
    private volatile ServerPhase _phase;

    public string Name => registration.Name;

    public ServerPhase Phase => _phase;

    /// <summary>Made on first use, so that options that are wrong are told by the host's start and not by whoever asks for the hosted services.</summary>
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
        catch (Exception exception) when (exception is ListenException or OptionsException)
        {
            HostingLog.ServerFailed(logger, registration.Name, exception.Message);
            throw;
        }

        _phase = ServerPhase.Listening;
    }

    /// <summary>From here on the server is not ready any more; connections are still taken until <see cref="StopAsync"/>, since whoever sends them learns of it a little later.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (_phase == ServerPhase.Listening)
        {
            _phase = ServerPhase.Draining;
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_phase == ServerPhase.NotStarted)
        {
            return;
        }

        _phase = ServerPhase.Draining;
        await Server.StopAsync(cancellationToken).ConfigureAwait(false);
        _phase = ServerPhase.Stopped;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
