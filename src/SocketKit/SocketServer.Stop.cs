using System.Diagnostics;
using SocketKit.Clock;
using SocketKit.Connections;
using SocketKit.Diagnostics;
using SocketKit.Servers;

namespace SocketKit;

// The three stages of a stop.
public sealed partial class SocketServer
{
    private static readonly TimeSpan ReleasePatience = TimeSpan.FromSeconds(1);

    private async Task<string?> StopOnceAsync(Task starting)
    {
        // Not under the caller's lock any more, and not on its stack.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Connection[] connections;
        lock (_lock)
        {
            // Nothing is added any more: what is accepted during a stop is refused.
            connections = [.. _all];
        }

        foreach (var connection in connections)
        {
            connection.BeginStop();
        }

        await Task.WhenAll(_loops.Select(loop => loop.StopAsync())).ConfigureAwait(false);
        if (_settings is not { } settings || !starting.IsCompletedSuccessfully)
        {
            return null;
        }

        // Those that have ended meanwhile are no matter of the stop any more.
        lock (_lock)
        {
            connections = [.. _all];
        }

        Log.Stopping(settings.Connection.Logger, connections.Length);
        var began = Stopwatch.GetTimestamp();
        foreach (var connection in connections)
        {
            connection.BeginDrain();
        }

        var drained = WaitAsync(connections.Select(connection => connection.Ended), settings.DrainTimeout, settings, _drainOver.Token);
        StoppedClock.Watch(settings.Connection.TimeProvider, () => drained, () =>
        {
            foreach (var connection in connections.Where(connection => !connection.Ended.IsCompleted))
            {
                connection.ClockStandsStill();
            }

            _ = _drainOver.CancelAsync();
        });
        await drained.ConfigureAwait(false);

        var left = connections.Where(connection => !connection.Closed.IsCompleted && !connection.Ended.IsCompleted).ToArray();
        if (left.Length > 0)
        {
            // A token may have ended the drain early.
            var waited = _drainOver.IsCancellationRequested ? Stopwatch.GetElapsedTime(began) : settings.DrainTimeout;
            Log.AbortedAtStop(settings.Connection.Logger, left.Length, waited, string.Join(", ", left.Take(20).Select(connection => $"{connection.Id} {connection}")) + (left.Length > 20 ? ", ..." : ""));
            foreach (var connection in left)
            {
                connection.AbortForStop();
            }

            await WaitAsync(left.Select(connection => connection.Closed), ReleasePatience, settings, CancellationToken.None).ConfigureAwait(false);
        }

        // Those whose handler awaits this stop get as much time again, behind its back.
        _ = AbortLaterAsync(connections.Where(connection => !connection.Closed.IsCompleted), settings);
        var waits = connections.Select(connection => connection.WaitedFor).OfType<string>().ToArray();
        return waits.Length == 0 ? null : $"The stop waited for {waits.Length} of its connections. {waits[0]}";
    }

    private static async Task AbortLaterAsync(IEnumerable<Connection> connections, ServerSettings settings)
    {
        var left = connections.ToArray();
        await WaitAsync(left.Select(connection => connection.Closed), settings.DrainTimeout, settings, CancellationToken.None).ConfigureAwait(false);
        foreach (var connection in left.Where(connection => !connection.Closed.IsCompleted))
        {
            connection.AbortForStop();
        }
    }

    private static async Task WaitAsync(IEnumerable<Task> tasks, TimeSpan timeout, ServerSettings settings, CancellationToken cancellationToken)
    {
        var all = Task.WhenAll(tasks);
        Task wait;
        try
        {
            wait = all.WaitAsync(timeout, settings.Connection.TimeProvider, cancellationToken);
        }
#pragma warning disable CA1031 // A clock of somebody else's that gives no timer: the stop ends by the system's.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ClockFailed(settings.Connection.Logger, settings.Connection.TimeProvider.GetType().Name, exception);
            wait = all.WaitAsync(timeout, cancellationToken);
        }

        // A time-out or a cancellation only begins the next stage, which takes care of who is left.
        await wait.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
