using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>
/// The process's one ticking thread, for all clocks on the system's time. Not the pool's timers, since those are late exactly when ticks matter: while handlers block the pool. It runs only while somebody subscribes,
/// and probes the pool meanwhile.
/// </summary>
internal static class SystemTicker
{
    private static readonly Lock Gate = new();
    private static readonly ThreadPoolProbe Probe = new(Starved);
    private static Subscription[] _subscriptions = [];
    private static bool _running;

    /// <param name="tick">Called every <see cref="ConnectionClock.Interval"/>.</param>
    /// <param name="logger">Is told once per episode in which the pool is starved; clocks that share it, as those of many clients do, tell it once.</param>
    public static IDisposable Subscribe(Action tick, ILogger logger)
    {
        var subscription = new Subscription(tick, logger);
        lock (Gate)
        {
            _subscriptions = [.. _subscriptions, subscription];
            if (!_running)
            {
                _running = true;
                new Thread(Run) { IsBackground = true, Name = "SocketKit clock" }.UnsafeStart();
            }
        }

        return subscription;
    }

    private static void Run()
    {
        while (true)
        {
            Thread.Sleep(ConnectionClock.Interval);
            Subscription[] subscriptions;
            lock (Gate)
            {
                subscriptions = _subscriptions;
                if (subscriptions.Length == 0)
                {
                    _running = false;
                    return;
                }
            }

            Probe.Tick();
            foreach (var subscription in subscriptions)
            {
                subscription.Tick();
            }
        }
    }

    private static void Starved(TimeSpan waited)
    {
        SocketKitMetrics.PoolStarved.Add(1);
        ThreadPool.GetMinThreads(out var threads, out _);
        foreach (var logger in _subscriptions.Select(subscription => subscription.Logger).Distinct())
        {
            Log.PoolStarved(logger, (long)waited.TotalMilliseconds, threads);
        }
    }

    private sealed class Subscription(Action tick, ILogger logger) : IDisposable
    {
        public Action Tick { get; } = tick;

        public ILogger Logger { get; } = logger;

        public void Dispose()
        {
            lock (Gate)
            {
                _subscriptions = [.. _subscriptions.Where(other => other != this)];
            }
        }
    }
}
