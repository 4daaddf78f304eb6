using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Servers;

/// <summary>
/// Accepts from one listener until it is stopped. It never dies, spins or recurses: when accepting fails (descriptors exhausted, say) it
/// waits 5 ms, doubling up to 1 s, and logs once per change of state.
/// </summary>
internal sealed class AcceptLoop(Listener listener, Action<Transport> accepted, ConnectionSettings settings)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    private readonly InlineDelay _delay = new(settings.TimeProvider);
    private readonly AcceptNotices _notices = new();
    private LogLevel _level = LogLevel.Warning;
    private volatile bool _stopping;
    private Task _run = Task.CompletedTask;

    public void Start()
    {
        // The loop must not carry the starter's AsyncLocals into every connection.
        using (ExecutionContext.SuppressFlow())
        {
            _run = RunAsync();
        }
    }

    /// <summary>Gives the address back. Never throws: a listener of somebody else's that does is told of, and left alone.</summary>
    public async Task StopAsync()
    {
        _stopping = true;
        var stopped = await TryAsync(listener.StopAsync).ConfigureAwait(false);
        _delay.Cancel();
        if (stopped)
        {
            await _run.ConfigureAwait(false);
        }

        if (await TryAsync(listener.DisposeAsync).ConfigureAwait(false) && !stopped)
        {
            await _run.ConfigureAwait(false);
        }
    }

    private async Task<bool> TryAsync(Func<ValueTask> end)
    {
        try
        {
            await end().ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // The stop of the server must not depend on it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ListenerFailed(settings.Logger, Where, exception);
            return false;
        }
    }

    // For log lines of what fails.
    private string Where
    {
        get
        {
            try
            {
                return LogText.NameOf(listener.EndPoint);
            }
#pragma warning disable CA1031 // A listener of somebody else's.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                return $"(a {listener.GetType().Name} whose EndPoint threw {exception.GetType().Name})";
            }
        }
    }

    private async Task RunAsync()
    {
        var failures = 0L;
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
                    Tell(recovered: failures, null);
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

                Tell(recovered: 0, exception, first: failures++ == 0);
                await PauseAsync(delay).ConfigureAwait(false);
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, LongestDelay.Ticks));
            }
        }
    }

    private void Tell(long recovered, Exception? failure, bool first = false) => _notices.Add(() =>
    {
        if (failure is null)
        {
            Log.AcceptRecovered(settings.Logger, _level, Where, recovered);
            return;
        }

        if (first)
        {
            _level = settings.Floods.LevelOf(LogLevel.Warning, "interruptions of accepting");
            Log.AcceptFailing(settings.Logger, _level, Where, failure);
        }

        settings.Metrics.Count(SocketKitMetrics.AcceptErrors, failure is SocketException socket ? socket.SocketErrorCode.ToString() : failure.GetType().Name);
    });

    private static async ValueTask<bool> SystemPauseAsync(TimeSpan delay)
    {
        await Task.Delay(delay).ConfigureAwait(false);
        return true;
    }

    private ValueTask<bool> PauseAsync(TimeSpan delay)
    {
        try
        {
            return _delay.WaitAsync(delay);
        }
#pragma warning disable CA1031 // A clock of somebody else's that gives no timer: the system's does.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ClockFailed(settings.Logger, settings.TimeProvider.GetType().Name, exception);
            return SystemPauseAsync(delay);
        }
    }
}
