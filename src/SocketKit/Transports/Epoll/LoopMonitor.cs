using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// Watches the loops every 10 ms while any of them is busy: a dispatch that has not moved since the last look may be user code that blocks,
/// so the loop goes to a spare thread, whoever is to blame. With all loops idle for a second it sleeps
/// until one of them wakes it. It runs no user code and takes no lock that user code could hold.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "It lives as long as the process.")]
internal sealed class LoopMonitor(LoopThreads threads)
{
    private const int IdleTicks = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Without a spare again within this time is the same episode: threads come back one by one. A late look within it: the machine is
    /// busy.
    /// </summary>
    private static readonly TimeSpan Episode = TimeSpan.FromSeconds(1);

    /// <summary>Handlers that block tend to come in crowds. Behind one that was found asleep, looks follow each other so fast.</summary>
    private static readonly TimeSpan CrowdInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>For so long, two looks: 20 ms by <see cref="Stopwatch"/>.</summary>
    private static readonly long CrowdLasts = Stopwatch.Frequency / 50;

    /// <summary>Threads that are looked at in a tick, besides those whose loop is taken in it.</summary>
    private const int MostLooks = 8;

    /// <summary>After this time nothing more will be found out about a dispatch.</summary>
    private static readonly TimeSpan LongestInquiry = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _wake = new(0);
    private readonly Lock _lock = new();
    private volatile LoopRecord[] _watched = [];

    // Those who may be to blame and have not come back. The monitor's own.
    private readonly Queue<HeldDispatch> _held = new();
    private int _running;

    // When a look was last late, and when a collection was last noticed.
    private long _lastLate;
    private long _lastPause;
    private RuntimeWork _atLastLook;

    /// <summary>One of the loops may have a crowd.</summary>
    private bool _crowds;
    private long _lastAtBound;
    private bool _toldOfBound;

    /// <summary>Begins to watch a loop.</summary>
    public void Watch(EpollLoop loop)
    {
        lock (_lock)
        {
            if (!_watched.Any(watched => watched.Loop == loop))
            {
                _watched = [.. _watched, new LoopRecord(loop)];
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
            LookForCrowds();
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

    /// <summary>
    /// Lets the time to the next look pass. Where a loop was taken from a thread that slept, it is taken at first sight from the next one
    /// that does: who stands behind a hundred handlers that block at once would else wait a hundred times as long.
    /// </summary>
    private void LookForCrowds()
    {
        var began = Stopwatch.GetTimestamp();
        var rest = Interval;
        while (_crowds && rest > TimeSpan.Zero)
        {
            Thread.Sleep(CrowdInterval);
            var now = Stopwatch.GetTimestamp();
            rest = Interval - Stopwatch.GetElapsedTime(began, now);
            _crowds = false;
            foreach (var entry in _watched)
            {
                if (now < entry.CrowdedUntil)
                {
                    _crowds = true;
                    LookForOneMore(entry, now);
                }
            }
        }

        if (rest > TimeSpan.Zero)
        {
            Thread.Sleep(rest);
        }
    }

    private void LookForOneMore(LoopRecord entry, long now)
    {
        var word = entry.Loop.State.Word;
        if (LoopState.IsInDispatch(word) && entry.Loop.Thread is { Native.IsAsleep: true })
        {
            if (word != entry.Standstill.Seen)
            {
                entry.FirstSeen = (now, RuntimeWork.Now);
            }

            TakeOver(entry, word, atFirstSight: true);
        }
    }

    private bool IsMachineBusy => Stopwatch.GetElapsedTime(_lastLate) < Episode;

    /// <summary>One look at all loops.</summary>
    /// <returns>True when one of them is busy.</returns>
    private bool Look(bool isLate)
    {
        var busy = false;
        var now = (Time: Stopwatch.GetTimestamp(), Work: RuntimeWork.Now);
        if (!now.Work.HasNotPausedSince(_atLastLook))
        {
            _lastPause = now.Time;
        }

        _atLastLook = now.Work;
        if (isLate)
        {
            _lastLate = now.Time;
        }

        foreach (var entry in _watched)
        {
            var word = entry.Loop.State.Word;
            if (word != entry.Standstill.Seen)
            {
                entry.FirstSeen = now;
                entry.Held = null;
            }

            // A late look alone says nothing; on a busy machine most looks are late, and each one more costs the loop's connections as long
            // again.
            if (entry.Standstill.Look(word, isLate, out var isBusy)
                || (isLate && LoopState.IsInDispatch(word) && entry.Loop.Thread is { Native.IsAsleep: true }))
            {
                TakeOver(entry, word, atFirstSight: false);
            }

            busy |= isBusy;
        }

        Inquire();
        return busy || _held.Count > 0;
    }

    private void TakeOver(LoopRecord entry, long seen, bool atFirstSight)
    {
        var loop = entry.Loop;
        if (entry.Held?.Word != seen)
        {
            if (loop.Thread is not { } thread)
            {
                return;
            }

            entry.Held = new HeldDispatch(seen, thread.Native, loop.DispatchedIn(seen), entry.FirstSeen.Time, entry.FirstSeen.Work,
                _lastPause);
            thread.Held = entry.Held;
        }

        var held = entry.Held;
        if (threads.TakeSpare() is not { } spare)
        {
            held.Look(IsMachineBusy);
            _toldOfBound &= Stopwatch.GetElapsedTime(_lastAtBound) < Episode;
            _lastAtBound = Stopwatch.GetTimestamp();
            var tells = !_toldOfBound && held.Registration is not null && held.IsToBlame();
            _toldOfBound |= tells;
            ThreadPool.UnsafeQueueUserWorkItem(static blocking => Exhausted(blocking), tells ? held.Registration : null,
                preferLocal: false);
            return;
        }

        if (!loop.State.TryTakeOver(seen, out var generation))
        {
            threads.GiveBack(spare);
            return;
        }

        if (held.Registration is { } registration)
        {
            loop.Queue(new Overtaken(registration));
        }

        spare.Give(new LoopThreads.Work(loop, generation));
        ThreadPool.UnsafeQueueUserWorkItem(static _ => SocketKitMetrics.LoopHandOvers.Add(1), null);
        held.Look(IsMachineBusy);
        _held.Enqueue(held);
        // What was taken at first sight may have slept for a moment. It keeps the crowd together only as long as one goes on blocking that
        // was seen twice: else a handler that sleeps shortly each time would keep it together for ever.
        if (held.WasSeenAsleep && !atFirstSight)
        {
            entry.First = held;
        }

        if (held.WasSeenAsleep && entry.First is { HasReturned: false })
        {
            entry.CrowdedUntil = Stopwatch.GetTimestamp() + CrowdLasts;
            _crowds = true;
        }
    }

    /// <summary>Goes on looking at those whose loop was taken, until it is known who is to blame.</summary>
    private void Inquire()
    {
        var looks = 0;
        for (var count = _held.Count; count > 0; count--)
        {
            var held = _held.Dequeue();
            if (held.IsSettled || held.Age > LongestInquiry)
            {
                continue;
            }

            if (looks < MostLooks && held.Look(IsMachineBusy))
            {
                looks++;
            }

            if (held.Registration is { RunsUserCode: true } registration && held.TakesSleepNotice())
            {
                registration.Loop.Queue(new Overtaken(registration));
            }

            if (held.Age >= HeldDispatch.Long && held.IsNewsBeforeItsEnd())
            {
                ThreadPool.UnsafeQueueUserWorkItem(static held => held.Tell(), held, preferLocal: false);
                continue;
            }

            _held.Enqueue(held);
        }
    }

    // A counter calls whoever listens to it, and a log line a logger: users' code, which may block, so not on this thread.
    private static void Exhausted(Registration? blocking)
    {
        SocketKitMetrics.SparesExhausted.Add(1);
        blocking?.OnSparesExhausted();
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

        foreach (var entry in _watched)
        {
            if (!entry.Loop.State.TryParkMonitor(entry.Standstill.Seen))
            {
                return;
            }
        }

        _wake.Wait();
    }

    /// <summary>A loop, and what the monitor remembers of it.</summary>
    private sealed class LoopRecord(EpollLoop loop)
    {
        public Standstill Standstill = new();
        public (long Time, RuntimeWork Work) FirstSeen;

        /// <summary>Until when its next handler that blocks is expected.</summary>
        public long CrowdedUntil;

        /// <summary>The one behind which the crowd was looked for.</summary>
        public HeldDispatch? First;

        /// <summary>The last dispatch that stood still.</summary>
        public HeldDispatch? Held;

        public EpollLoop Loop => loop;
    }
}
