using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Diagnostics;

namespace SocketKit.Clock;

/// <summary>
/// Ticks whoever subscribes, every <see cref="Interval"/>, on a thread of its own, and probes the pool meanwhile. Not by
/// the pool's timers, since those are late exactly when ticks matter: while handlers block the
/// pool. It runs only while somebody subscribes.
/// </summary>
/// <remarks>
/// Ticks run user code (policies, wires, whoever logs), so a second thread watches the first: when one call lasts longer than <see
/// cref="Patience"/>, a new thread ticks on, and the one that was held up ends when it comes back.
/// While the system gives no thread at all, a timer of the pool's ticks, and asks for a thread each second.
/// </remarks>
/// <param name="start">Starts a thread of this name; throws when the system gives none.</param>
internal sealed class Ticker(Action<ThreadStart, string> start)
{
    /// <summary>From one tick to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>A call that lasts between this and twice this loses the clock.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    /// <summary>So many threads may be held up at a time. With one more, time stands still until one of them comes back.</summary>
    private const int MostHeldUp = 64;

    private const int TicksBetweenAttempts = 10;

    private readonly Lock _lock = new();
    private volatile Subscription[] _subscriptions = [];
    private ThreadPoolProbe? _probe;
    private Timer? _fallback;
    private volatile bool _running;
    private bool _watched;
    private int _heldUp;
    private int _attempts;
    private int _inFallback;

    /// <summary>The calls of the thread that has the clock. Another one's have been taken over from.</summary>
    private WatchedCalls _calls = new();

    /// <summary>In ticks of 100 ns: the pool is starved, which nobody was told yet; or 0.</summary>
    private long _starved;

    /// <param name="tick">Called at each tick, one call at a time unless it is held up. May throw.</param>
    /// <param name="logger">Is told once per episode in which the pool is starved; those that share it, as the clocks of many clients do,
    /// tell it once.</param>
    public IDisposable Subscribe(Action tick, ILogger logger)
    {
        var subscription = new Subscription(this, tick, logger);
        lock (_lock)
        {
            _subscriptions = [.. _subscriptions, subscription];
        }

        Ensure();
        return subscription;
    }

    /// <summary>Tries again to get the clock its thread, if it has none. Never throws.</summary>
    public void Ensure()
    {
        if (_running)
        {
            return;
        }

        lock (_lock)
        {
            if (!TryRun())
            {
                TickByTimer();
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private bool TryRun()
    {
        if (_running || _subscriptions.Length == 0)
        {
            return true;
        }

        _probe ??= new ThreadPoolProbe(waited => Volatile.Write(ref _starved, waited.Ticks));
        var calls = new WatchedCalls();
        if (!TryStart(() => Run(calls), "SocketKit clock"))
        {
            return false;
        }

        _calls = calls;
        _running = true;
        _watched = _watched || TryStart(LookAfter, "SocketKit clock watch");
        _fallback?.Dispose();
        _fallback = null;
        return true;
    }

    private bool TryStart(ThreadStart run, string name)
    {
        try
        {
            start(run, name);
            return true;
        }
#pragma warning disable CA1031 // Whatever the system throws instead of a thread: it is asked again.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    private void Run(WatchedCalls calls)
    {
        do
        {
            Thread.Sleep(Interval);
            lock (_lock)
            {
                if (_calls != calls)
                {
                    return;
                }

                if (_subscriptions.Length == 0)
                {
                    _running = false;
                    return;
                }

                if (!_watched && ++_attempts % TicksBetweenAttempts == 0)
                {
                    _watched = TryStart(LookAfter, "SocketKit clock watch");
                }
            }
        }
        while (TickAll(calls));

        lock (_lock)
        {
            _heldUp--;
        }
    }

    /// <returns>False: another thread has the clock now.</returns>
    private bool TickAll(WatchedCalls calls)
    {
        Guard(_probe!.Tick, NullLogger.Instance);
        foreach (var subscription in _subscriptions)
        {
            if (!calls.TryMove(0))
            {
                return false;
            }

            Guard(subscription.Tick, subscription.Logger);
        }

        if (!calls.TryMove(0))
        {
            return false;
        }

        Guard(TellStarved, NullLogger.Instance);
        return calls.TryMove(WatchedCalls.None);
    }

    private static void Guard(Action call, ILogger logger)
    {
        try
        {
            call();
        }
#pragma warning disable CA1031 // The clock of all must not die of one of them.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ClockFailed(logger, "of the system", exception);
        }
    }

    /// <summary>Takes the clock from a thread that a call holds up.</summary>
    private void LookAfter()
    {
        while (true)
        {
            Thread.Sleep(Patience);
            lock (_lock)
            {
                if (!_running)
                {
                    _watched = false;
                    return;
                }

                var held = _calls;
                if (!held.IsHeldUp(looks: 2, Patience / 2) || _heldUp >= MostHeldUp)
                {
                    continue;
                }

                // The new thread first: without one, the clock is still the old one's. It looks whose the clock is when it can enter.
                var calls = new WatchedCalls();
                if (TryStart(() => Run(calls), "SocketKit clock") && held.TryTakeOver(out _))
                {
                    _calls = calls;
                    _heldUp++;
                }
            }
        }
    }

    private void TellStarved()
    {
        if (Interlocked.Exchange(ref _starved, 0) is var waited and not 0)
        {
            SocketKitMetrics.PoolStarved.Add(1);
            ThreadPool.GetMinThreads(out var threads, out _);
            foreach (var logger in _subscriptions.Select(subscription => subscription.Logger).Distinct())
            {
                Log.PoolStarved(logger, waited / TimeSpan.TicksPerMillisecond, threads);
            }
        }
    }

    /// <summary>Under the lock: until there is a thread.</summary>
    private void TickByTimer()
    {
        try
        {
            using (ExecutionContext.SuppressFlow())
            {
                _fallback ??= new Timer(static self => ((Ticker)self!).OnTimer(), this, Interval, Interval);
            }
        }
#pragma warning disable CA1031 // Not even that: the next subscriber, or connection, asks again.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            if (_subscriptions.Length == 0 || (++_attempts % TicksBetweenAttempts == 0 && TryRun()))
            {
                _fallback?.Dispose();
                _fallback = null;
            }
        }

        if (!_running && Interlocked.Exchange(ref _inFallback, 1) == 0)
        {
            TickAll(new WatchedCalls());
            Volatile.Write(ref _inFallback, 0);
        }
    }

    private sealed class Subscription(Ticker ticker, Action tick, ILogger logger) : IDisposable
    {
        public Action Tick { get; } = tick;

        public ILogger Logger { get; } = logger;

        public void Dispose()
        {
            lock (ticker._lock)
            {
                ticker._subscriptions = [.. ticker._subscriptions.Where(other => other != this)];
            }
        }
    }
}
