using System.Net;
using Microsoft.AspNetCore.Connections;

namespace SocketKit.AspNetCore.Connections;

/// <summary>
/// A bound <see cref="Listener"/> as Kestrel sees it. When accepting fails (descriptors exhausted, say), it backs off and tries again:
/// Kestrel would never accept again.
/// </summary>
internal sealed class TransportListener(Listener listener, TransportSettings settings) : IConnectionListener
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();

    public EndPoint EndPoint => listener.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var failures = 0L;
        var delay = FirstDelay;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var transport = await listener.AcceptAsync().ConfigureAwait(false);
                if (failures > 0)
                {
                    AspNetCoreLog.AcceptRecovered(settings.Logger, EndPoint, failures);
                }

                return transport is null ? null : new TransportConnection(transport, settings);
            }
#pragma warning disable CA1031 // Whatever fails, the loop goes on: a server that does not accept is dead.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (failures++ == 0)
                {
                    AspNetCoreLog.AcceptFailing(settings.Logger, EndPoint, exception);
                }

                await PauseAsync(delay).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, LongestDelay.Ticks));
            }
        }

        return null;
    }

    private Task PauseAsync(TimeSpan delay)
    {
        try
        {
            return Task.Delay(delay, settings.TimeProvider, _stopping.Token);
        }
#pragma warning disable CA1031 // A clock of the application's that gives no timer: the system's does. Kestrel would never accept again.
        catch (Exception)
#pragma warning restore CA1031
        {
            return Task.Delay(delay, _stopping.Token);
        }
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await listener.StopAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        await listener.DisposeAsync().ConfigureAwait(false);
    }
}
