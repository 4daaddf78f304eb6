using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Services;

/// <summary>Lets the host start and stop one client: it connects in the background, unless the start was asked to wait for it.</summary>
internal sealed class HostedClient(ClientRegistration registration, IServiceProvider services, ILogger logger) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private volatile ClientStateChange? _last;
    private bool _started;

    public string Name => registration.Name;

    /// <summary>Made on first use; see <see cref="HostedServer.Server"/>.</summary>
    public ISocketClient Client => services.GetRequiredKeyedService<ISocketClient>(registration.Name);

    /// <summary>The last change of its state, if there was one.</summary>
    public ClientStateChange? LastChange => _last;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var client = Client;
            client.StateChanged += (_, change) => _last = change;
            _started = true;
            if (registration.Weakened is { } missing)
            {
                HostingLog.Weakened(logger, $"{registration.Section}:Connect", missing);
            }

            // Options that are wrong throw here, in the call.
            var connecting = client.ConnectAsync(_stopping.Token);
            if (registration.WaitForConnection == TimeSpan.Zero)
            {
                _ = WatchAsync(connecting);
                return;
            }

            await WaitAsync(connecting, cancellationToken).ConfigureAwait(false);
        }
        catch (OptionsException exception)
        {
            var failure = StartFailure.Of(exception, registration, services);
            HostingLog.ClientFailed(logger, registration.Name, SafeLogging.MessageOf(failure));
            throw failure;
        }
        catch (Exception exception) when (exception is ConnectionClosedException or TimeoutException)
        {
            HostingLog.ClientFailed(logger, registration.Name, SafeLogging.MessageOf(exception));
            throw;
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_started)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            await Client.DisconnectAsync("the host is stopping", cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The host's time is up; the connection ends with the process.
        }
    }

    public void Dispose() => _stopping.Dispose();

    private async Task WaitAsync(Task connecting, CancellationToken cancellationToken)
    {
        var time = services.GetRequiredService<IOptionsMonitor<SocketClientOptions>>().Get(registration.Name).TimeProvider;
        try
        {
            await connecting.WaitAsync(registration.WaitForConnection, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
            var last = _last?.Reason is { } reason ? $"; the last attempt: {reason}" : "";
            throw new TimeoutException($"not connected within {registration.WaitForConnection} ({registration.Section}:WaitForConnection){last}");
        }
        catch (OperationCanceledException)
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task WatchAsync(Task connecting)
    {
        try
        {
            await connecting.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopped, or disconnected by the program.
        }
        catch (ConnectionClosedException exception)
        {
            HostingLog.ClientGaveUp(logger, registration.Name, SafeLogging.MessageOf(exception));
        }
    }
}
