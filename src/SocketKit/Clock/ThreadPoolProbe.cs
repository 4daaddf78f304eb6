namespace SocketKit.Clock;

/// <summary>
/// Finds out that the thread pool is starved (handlers that block) and gives it threads faster than it would by itself. The library's clock
/// calls <see cref="Tick"/> about every 100 ms, from a thread that is none of the pool's.
/// </summary>
/// <remarks>
/// One probe, a work item of the pool, is under way at a time, sent when a tick finds work that waits: an idle pool is left asleep, since
/// each wake of its threads costs a busy machine more than the probe. Whenever it has waited for longer than 100 ms while the pool got next
/// to nothing done, the pool's minimum of worker threads rises by 8, up to 256 over what it was at first; it is not lowered again, since
/// the handlers that needed it are still there. A pool that works off a long queue, or has no processor to run on, needs no more threads.
/// Once a probe is back in time, the episode is over.
/// </remarks>
internal sealed class ThreadPoolProbe : IThreadPoolWorkItem
{
    /// <summary>How long a probe may wait before the pool counts as starved.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private const int Step = 8;

    /// <summary>So many work items per thread in one tick are work: each took less than a quarter of it.</summary>
    private const int ItemsOfABusyThread = 4;
    private const int DefaultMaximumRaise = 256;

    private readonly Action<TimeSpan> _starved;
    private readonly TimeProvider _timeProvider;
    private readonly IThreads _threads;
    private readonly int _maximum;
    private long _queuedAt;
    private int _underWay;
    private bool _inEpisode;
    private long _late;
    private long _completed;

    /// <summary>Makes a probe of the process's thread pool.</summary>
    /// <param name="starved">Called once per episode, on the thread that ticks, with the time that the probe has waited.</param>
    /// <param name="maximumRaise">How many threads over the first minimum it may ask for. Default: 256.</param>
    /// <param name="timeProvider">The clock. Default: the system's.</param>
    /// <param name="threads">The pool. Default: the process's.</param>
    public ThreadPoolProbe(Action<TimeSpan> starved, int maximumRaise = DefaultMaximumRaise, TimeProvider? timeProvider = null, IThreads? threads = null)
    {
        _starved = starved;
        _timeProvider = timeProvider ?? TimeProvider.System;
        _threads = threads ?? ProcessThreads.Instance;
        _maximum = _threads.FirstMinimum + maximumRaise;
    }

    /// <summary>The pool, as far as the probe needs it.</summary>
    internal interface IThreads
    {
        /// <summary>The minimum of worker threads before any probe raised it.</summary>
        int FirstMinimum { get; }

        int Minimum { get; set; }

        /// <summary>Threads that there are now.</summary>
        int Count { get; }

        /// <summary>Work items that were ever completed.</summary>
        long Completed { get; }

        /// <summary>Work items wait for a thread.</summary>
        bool IsBehind { get; }

        void Queue(IThreadPoolWorkItem item);
    }

    /// <summary>How many ticks found the probe late so far.</summary>
    public long LateTicks => Volatile.Read(ref _late);

    /// <summary>Looks after the probe that is under way, or sends the next one. Never blocks and takes no lock.</summary>
    public void Tick()
    {
        var completed = _threads.Completed;
        var done = completed - _completed;
        _completed = completed;
        if (Volatile.Read(ref _underWay) == 0)
        {
            Begin();
            return;
        }

        var waited = _timeProvider.GetElapsedTime(_queuedAt);
        if (waited <= Patience || done >= ItemsOfABusyThread * (long)_threads.Count)
        {
            return;
        }

        Volatile.Write(ref _late, _late + 1);
        var minimum = _threads.Minimum;
        if (minimum < _maximum)
        {
            _threads.Minimum = Math.Min(minimum + Step, _maximum);
        }

        if (!Volatile.Read(ref _inEpisode))
        {
            Volatile.Write(ref _inEpisode, true);
            _starved(waited);
        }
    }

    private void Begin()
    {
        if (!_threads.IsBehind)
        {
            Volatile.Write(ref _inEpisode, false);
            return;
        }

        Volatile.Write(ref _underWay, 1);
        _queuedAt = _timeProvider.GetTimestamp();
        _threads.Queue(this);
    }

    /// <summary>The probe has its turn.</summary>
    public void Execute()
    {
        if (_timeProvider.GetElapsedTime(_queuedAt) <= Patience)
        {
            Volatile.Write(ref _inEpisode, false);
        }

        Volatile.Write(ref _underWay, 0);
    }

    private sealed class ProcessThreads : IThreads
    {
        public static readonly ProcessThreads Instance = new();

        private ProcessThreads() => FirstMinimum = Minimum;

        public int FirstMinimum { get; }

        public int Minimum
        {
            get
            {
                ThreadPool.GetMinThreads(out var workers, out _);
                return workers;
            }

            set
            {
                ThreadPool.GetMinThreads(out _, out var ports);
                ThreadPool.SetMinThreads(value, ports);
            }
        }

        public int Count => ThreadPool.ThreadCount;

        public long Completed => ThreadPool.CompletedWorkItemCount;

        public bool IsBehind => ThreadPool.PendingWorkItemCount > 0;

        // The global queue: a local one would be some blocked thread's.
        public void Queue(IThreadPoolWorkItem item) => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
    }
}
