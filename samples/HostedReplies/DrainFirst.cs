using SocketKit;

namespace HostedReplies;

/// <summary>
/// Drains the server before any service is stopped. The host stops what was registered last first, and that is Kestrel: without this class,
/// nobody could ask for health and metrics during the drain. Registered before the server, so that the server calls itself not ready
/// before.
/// </summary>
internal sealed class DrainFirst(ISocketServer server) : IHostedLifecycleService
{
    public Task StoppingAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
