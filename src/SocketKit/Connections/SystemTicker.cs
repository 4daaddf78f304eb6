namespace SocketKit.Connections;

/// <summary>
/// The process's one ticking thread, for all clocks on the system's time. Not the pool's timers, since those are late exactly when ticks matter: while handlers block the pool. It runs only while somebody subscribes.
/// </summary>
internal static class SystemTicker
{
    private static readonly Lock Gate = new();
    private static Subscription[] _subscriptions = [];
    private static bool _running;

    public static IDisposable Subscribe(Action tick)
    {
        var subscription = new Subscription(tick);
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

            foreach (var subscription in subscriptions)
            {
                subscription.Tick();
            }
        }
    }

    private sealed class Subscription(Action tick) : IDisposable
    {
        public Action Tick { get; } = tick;

        public void Dispose()
        {
            lock (Gate)
            {
                _subscriptions = [.. _subscriptions.Where(other => other != this)];
            }
        }
    }
}
