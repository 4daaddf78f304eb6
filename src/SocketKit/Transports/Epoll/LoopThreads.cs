using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// The threads of all loops, and the spares: a spare is parked until a loop has to be taken over or a connection on probation has a
/// dispatch. At most 256 at a time besides the loops' own; what nobody needs ends after 10 s.
/// </summary>
internal sealed class LoopThreads
{
    /// <summary>How many threads there may be besides one for each loop. Spares that handlers block are never more.</summary>
    public const int MostSpares = 256;

    /// <summary>
    /// A dispatch shorter than this did not block. A longer one did if its thread has waited for something, or has used so much of a
    /// processor; else the machine was busy with others.
    /// </summary>
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(1);

    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Stack<LoopThread> _parked = new();

    // Dispatches for which no thread is left.
    private readonly Queue<Work> _backlog = new();
    private int _threads;
    private int _loops;

    /// <summary>Gives a new loop its thread.</summary>
    /// <exception cref="OutOfMemoryException">The system gives no more threads.</exception>
    public void Serve(EpollLoop loop, int generation)
    {
        LoopThread thread;
        lock (_lock)
        {
            thread = new LoopThread(this);
            _loops++;
            _threads++;
        }

        thread.Give(new Work(loop, generation));
    }

    /// <summary>A thread to give a loop to, or null at the bound.</summary>
    public LoopThread? TakeSpare()
    {
        lock (_lock)
        {
            if (_parked.TryPop(out var thread))
            {
                return thread;
            }

            if (_threads >= _loops + MostSpares)
            {
                return null;
            }

            _threads++;
        }

        try
        {
            return new LoopThread(this);
        }
        catch (OutOfMemoryException)
        {
            // The system gives no more threads: the same as the bound.
            lock (_lock)
            {
                _threads--;
            }

            return null;
        }
    }

    /// <summary>A spare that was not needed after all.</summary>
    public void GiveBack(LoopThread thread)
    {
        if (TryPark(thread, out var work))
        {
            thread.Give(work);
        }
    }

    /// <summary>Dispatches on a spare; at the bound, when one is free again.</summary>
    /// <returns>False: there is none that could become free, and the system gives no thread; the caller dispatches itself.</returns>
    public bool TryRun(Registration registration, ILoopItem? item, int directions)
    {
        var work = new Work(registration, item, directions);
        if (TakeSpare() is { } spare)
        {
            spare.Give(work);
            return true;
        }

        SocketKitMetrics.SparesExhausted.Add(1);
        LoopThread? free;
        lock (_lock)
        {
            if (!_parked.TryPop(out free))
            {
                if (_threads == _loops)
                {
                    return false;
                }

                _backlog.Enqueue(work);
            }
        }

        free?.Give(work);
        return true;
    }

    /// <summary>A thread has done its work. True: there is more for it; false: it is parked.</summary>
    private bool TryPark(LoopThread thread, out Work next)
    {
        lock (_lock)
        {
            if (_backlog.TryDequeue(out next))
            {
                return true;
            }

            _parked.Push(thread);
            return false;
        }
    }

    /// <summary>A parked thread has waited long enough. False: somebody has just taken it.</summary>
    private bool TryEnd(LoopThread thread)
    {
        lock (_lock)
        {
            var others = _parked.Where(other => other != thread).Reverse().ToArray();
            if (others.Length == _parked.Count)
            {
                return false;
            }

            _parked.Clear();
            foreach (var other in others)
            {
                _parked.Push(other);
            }

            _threads--;
            return true;
        }
    }

    /// <summary>What a thread is given: a loop to serve, or one dispatch.</summary>
    internal readonly struct Work
    {
        private readonly EpollLoop? _loop;
        private readonly int _number;
        private readonly Registration? _registration;
        private readonly ILoopItem? _item;

        public Work(EpollLoop loop, int generation)
        {
            _loop = loop;
            _number = generation;
        }

        public Work(Registration registration, ILoopItem? item, int directions)
        {
            _registration = registration;
            _item = item;
            _number = directions;
        }

        public void Run(LoopThread thread)
        {
            if (_loop is not null)
            {
                _loop.Run(_number, thread);
                return;
            }

            var waits = NativeThread.Waits;
            var used = thread.Native.ProcessorTime;
            var began = Stopwatch.GetTimestamp();
            EpollLoop.Invoke(_registration!, _item, _number);
            var isLong = Stopwatch.GetElapsedTime(began) >= Short;
            _registration!.NoteDispatch(isLong && (NativeThread.Waits != waits || thread.Native.ProcessorTime - used >= Short));
        }
    }

    /// <summary>One thread. It begins parked.</summary>
    [SuppressMessage("Reliability", "CA1001", Justification = "Whoever took the thread may still give it work while it ends; without a wait handle the semaphore holds nothing.")]
    internal sealed class LoopThread
    {
        private readonly LoopThreads _owner;
        private readonly SemaphoreSlim _given = new(0);
        private Work _work;
        private HeldDispatch? _held;

        public LoopThread(LoopThreads owner)
        {
            _owner = owner;
            new Thread(Run) { IsBackground = true, Name = "SocketKit loop" }.UnsafeStart();
        }

        /// <summary>Known from the first work on.</summary>
        public NativeThread Native { get; private set; }

        /// <summary>The dispatch from which its loop was taken; set before it is.</summary>
        public HeldDispatch? Held
        {
            get => Volatile.Read(ref _held);
            set => Volatile.Write(ref _held, value);
        }

        /// <summary>Whoever has taken it gives it something to do.</summary>
        public void Give(Work work)
        {
            _work = work;
            _given.Release();
        }

        private void Run()
        {
            EpollLoop.Clean ??= ExecutionContext.Capture();
            Native = NativeThread.Current;
            while (true)
            {
                if (!_given.Wait(IdleTime))
                {
                    if (_owner.TryEnd(this))
                    {
                        return;
                    }

                    _given.Wait();
                }

                var work = _work;
                do
                {
                    work.Run(this);
                }
                while (_owner.TryPark(this, out work));
            }
        }
    }
}
