using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>Accepts from one listener until it is stopped. It never dies, spins or recurses: when accepting fails (descriptors exhausted, say) it waits 5 ms, doubling up to 1 s, and logs once per change of state.</summary>
internal sealed class AcceptLoop(Listener listener, Action<Transport> accepted, ConnectionSettings settings)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    private readonly InlineDelay _delay = new(settings.TimeProvider);
    private volatile bool _stopping;
    private Task _run = Task.CompletedTask;

    public EndPoint EndPoint => listener.EndPoint;

    public void Start()
    {
        // The loop must not carry the starter's AsyncLocals into every connection.
        using (ExecutionContext.SuppressFlow())
        {
            _run = RunAsync();
        }
    }

    public async Task StopAsync()
    {
        _stopping = true;
        await listener.StopAsync().ConfigureAwait(false);
        _delay.Cancel();
        await _run.ConfigureAwait(false);
        await listener.DisposeAsync().ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        var failures = 0L;
        var level = LogLevel.Warning;
        var delay = FirstDelay;
        while (!_stopping)
        {
            try
            {
                // On the listener's own thread or queue: nothing here waits for the pool.
                if (await listener.AcceptAsync().ConfigureAwait(false) is not { } transport)
                {
                    return;
                }

                if (failures > 0)
                {
                    Log.AcceptRecovered(settings.Logger, level, listener.EndPoint, failures);
                    failures = 0;
                    delay = FirstDelay;
                }

                accepted(transport);
            }
#pragma warning disable CA1031 // Whatever fails, the loop goes on: a server that does not accept is dead.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (_stopping)
                {
                    return;
                }

                if (failures++ == 0)
                {
                    level = settings.Floods.LevelOf(LogLevel.Warning, "interruptions of accepting");
                    Log.AcceptFailing(settings.Logger, level, listener.EndPoint, exception);
                }

                settings.Metrics.Count(SocketKitMetrics.AcceptErrors, exception is SocketException socket ? socket.SocketErrorCode.ToString() : exception.GetType().Name);
                await _delay.WaitAsync(delay).ConfigureAwait(false);
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, LongestDelay.Ticks));
            }
        }
    }
}
