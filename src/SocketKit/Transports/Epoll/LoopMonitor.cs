using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// Watches the loops every 10 ms while any of them is busy: a dispatch that has not moved since the last look is user code that blocks, so the loop goes to a spare thread. With all loops idle for a second it sleeps until one
/// of them wakes it. It runs no user code and takes no lock that user code could hold.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "It lives as long as the process.")]
internal sealed class LoopMonitor(LoopThreads threads)
{
    private const int IdleTicks = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <summary>Without a spare again within this time is the same episode: threads come back one by one.</summary>
    private static readonly TimeSpan Episode = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _wake = new(0);
    private readonly Lock _gate = new();
    private volatile (EpollLoop Loop, Standstill Standstill)[] _watched = [];
    private int _running;
    private long _lastAtBound;
    private bool _toldOfBound;

    /// <summary>Begins to watch a loop.</summary>
    public void Watch(EpollLoop loop)
    {
        lock (_gate)
        {
            if (!_watched.Any(watched => watched.Loop == loop))
            {
                _watched = [.. _watched, (loop, new Standstill())];
            }
        }

        if (Interlocked.Exchange(ref _running, 1) == 0)
        {
            try
            {
                new Thread(Run) { IsBackground = true, Name = "SocketKit loop monitor", Priority = ThreadPriority.AboveNormal }.UnsafeStart();
            }
            catch (OutOfMemoryException)
            {
                // The system gives no thread now; the next loop asks again.
                Volatile.Write(ref _running, 0);
                throw;
            }
        }
        else
        {
            Wake();
        }
    }

    /// <summary>A loop has begun a dispatch while the monitor slept, or was about to.</summary>
    public void Wake() => _wake.Release();

    private void Run()
    {
        var idle = 0;
        var last = Stopwatch.GetTimestamp();
        while (true)
        {
            Thread.Sleep(Interval);
            var now = Stopwatch.GetTimestamp();

            var late = Stopwatch.GetElapsedTime(last, now) > 2 * Interval;
            last = now;
            idle = Look(late) ? 0 : idle + 1;
            if (idle >= IdleTicks)
            {
                Park();
                idle = 0;
                last = Stopwatch.GetTimestamp();
            }
        }
    }

    /// <summary>One look at all loops.</summary>
    /// <returns>True when one of them is busy.</returns>
    private bool Look(bool isLate)
    {
        var busy = false;
        var watched = _watched;
        for (var i = 0; i < watched.Length; i++)
        {
            ref var entry = ref watched[i];
            var word = entry.Loop.State.Word;
            if (entry.Standstill.Look(word, isLate, out var isBusy))
            {
                TakeOver(entry.Loop, word);
            }

            busy |= isBusy;
        }

        return busy;
    }

    private void TakeOver(EpollLoop loop, long seen)
    {
        if (threads.TakeSpare() is not { } spare)
        {
            var blocking = loop.DispatchedIn(seen);
            _toldOfBound &= Stopwatch.GetElapsedTime(_lastAtBound) < Episode;
            _lastAtBound = Stopwatch.GetTimestamp();
            var tells = blocking is not null && !_toldOfBound;
            _toldOfBound |= tells;
            ThreadPool.UnsafeQueueUserWorkItem(static blocking => Exhausted(blocking), tells ? blocking : null, preferLocal: false);
            return;
        }

        if (!loop.State.TryTakeOver(seen, out var generation))
        {
            threads.GiveBack(spare);
            return;
        }

        var blocks = loop.DispatchedIn(seen);
        if (blocks is not null)
        {
            loop.Queue(new Overtaken(blocks));
        }

        spare.Give(new LoopThreads.Work(loop, generation));
        ThreadPool.UnsafeQueueUserWorkItem(static blocks => HandedOver(blocks), blocks?.Convict(seen) == true ? blocks : null, preferLocal: false);
    }

    // A counter calls whoever listens to it, and a log line a logger: users' code, which may block, so not on this thread.
    private static void Exhausted(Registration? blocking)
    {
        SocketKitMetrics.SparesExhausted.Add(1);
        blocking?.OnSparesExhausted();
    }

    private static void HandedOver(Registration? blocks)
    {
        SocketKitMetrics.LoopHandOvers.Add(1);
        blocks?.OnTakenOver();
    }

    /// <summary>The successor's turn for the dispatch that it was given the loop for.</summary>
    private sealed class Overtaken(Registration registration) : ILoopItem
    {
        public Registration Owner => registration;

        public void Run() => registration.OnOvertaken();
    }

    /// <summary>Sleeps until a loop begins a dispatch; not at all if one has begun since the last look.</summary>
    private void Park()
    {
        // Left from the time when it was awake.
        while (_wake.Wait(0))
        {
        }

        foreach (var (loop, standstill) in _watched)
        {
            if (!loop.State.TryParkMonitor(standstill.Seen))
            {
                return;
            }
        }

        _wake.Wait();
    }
}
