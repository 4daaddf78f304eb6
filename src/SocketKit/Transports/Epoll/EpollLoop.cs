using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// One event loop: waits for the kernel's events and dispatches them, and the turns of its run queue, on one thread at a time. Which thread
/// that is may change: when user code blocks a dispatch, <see cref="LoopMonitor"/> gives the loop to a spare thread, which goes on with
/// what is left of the batch, and the blocked one retires when it comes back.
/// </summary>
internal sealed unsafe class EpollLoop
{
    private const int MostEvents = 512;
    private const int WakeSlot = 0;

    [ThreadStatic]
    private static EpollLoop? _current;

    /// <summary>The context that threads begin in.</summary>
    internal static ExecutionContext? Clean { get; set; }

    private readonly EventBatch _batch = new(MostEvents);
    private readonly ConcurrentQueue<ILoopItem> _queue = new();
    private readonly LoopThreads _threads;
    private readonly LoopMonitor _monitor;
    private readonly int _epoll;
    private readonly int _wake;
    private readonly byte* _events;

    // The table of registrations: written under the lock, read without.
    private readonly Lock _lock = new();
    private readonly Stack<int> _freeSlots = new();
    private Registration?[] _table = new Registration?[64];
    private uint[] _generations = new uint[64];
    private int _usedSlots = WakeSlot + 1;

    private LoopState _state;
    private int _waiting;
    private int _turns;
    private bool _started;

    // What is being dispatched, for the monitor. In which state of the loop, it knows itself: so a thread that was overtaken between the
    // two writes names nobody else.
    private Registration? _dispatching;

    // Who serves it. Of the generation that the state shows, while a dispatch is under way: the next one begins only when the monitor has
    // given it the loop.
    private LoopThreads.LoopThread? _thread;

    /// <summary>Makes a loop, without a thread yet.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The kernel gives no epoll instance or event counter.</exception>
    public EpollLoop(LoopThreads threads, LoopMonitor monitor)
    {
        _threads = threads;
        _monitor = monitor;
        _epoll = Native.EpollCreate();
        _wake = _epoll < 0 ? -1 : Native.EventCounter();
        if (_wake < 0 || Native.Control(_epoll, Native.ControlAdd, _wake, Native.EpollIn | Native.EpollEdge, EventBatch.Data(WakeSlot, 0)) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            _ = _epoll < 0 ? 0 : Native.Close(_epoll);
            _ = _wake < 0 ? 0 : Native.Close(_wake);
            throw WireErrors.From(Errno.ToSocketError(error));
        }

        _events = (byte*)NativeMemory.Alloc((nuint)(MostEvents * EpollEvents.Size));
    }

    /// <summary>The loop whose thread this is, or null.</summary>
    public static EpollLoop? Current => _current;

    /// <summary>The word that the monitor watches.</summary>
    public ref LoopState State => ref _state;

    /// <summary>What was being dispatched while the state was this; null when it cannot be told.</summary>
    public Registration? DispatchedIn(long state) => Volatile.Read(ref _dispatching) is { } registration && registration.DispatchedIn == state ? registration : null;

    /// <summary>Who serves the loop, if it is in a dispatch.</summary>
    public LoopThreads.LoopThread? Thread => Volatile.Read(ref _thread);

    /// <summary>Watches a descriptor from now on.</summary>
    /// <param name="registration">Gets the events.</param>
    /// <param name="descriptor">Open until <see cref="Remove"/>.</param>
    /// <param name="events">The kernel's bits.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The kernel refuses.</exception>
    public void Add(Registration registration, int descriptor, uint events)
    {
        uint generation;
        lock (_lock)
        {
            if (!_freeSlots.TryPop(out var slot))
            {
                slot = _usedSlots++;
                if (slot >= EventBatch.MostSlots)
                {
                    _usedSlots--;
                    throw WireErrors.From(System.Net.Sockets.SocketError.TooManyOpenSockets);
                }
            }

            if (slot >= _table.Length)
            {
                Array.Resize(ref _generations, _generations.Length * 2);
                var grown = _table;
                Array.Resize(ref grown, grown.Length * 2);
                Volatile.Write(ref _table, grown);
            }

            generation = _generations[slot];
            registration.Place(slot, generation);
            Volatile.Write(ref _table[slot], registration);
            try
            {
                Start();
            }
            catch (OutOfMemoryException)
            {
                // The system gives no thread: this connection cannot be served, and the next one tries again.
                Remove(registration);
                throw WireErrors.From(System.Net.Sockets.SocketError.NoBufferSpaceAvailable);
            }
        }

        if (Native.Control(_epoll, Native.ControlAdd, descriptor, events, EventBatch.Data(registration.Slot, generation)) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            Remove(registration);
            throw WireErrors.From(Errno.ToSocketError(error));
        }
    }

    /// <summary>Changes what is watched, or arms a one-shot anew.</summary>
    public void Change(Registration registration, int descriptor, uint events)
    {
        // An error means that the descriptor is closed already: no event will come, and none is wanted.
        _ = Native.Control(_epoll, Native.ControlModify, descriptor, events, EventBatch.Data(registration.Slot, registration.Generation));
    }

    /// <summary>
    /// Forgets a registration; its descriptor is about to be closed, which takes it out of the kernel's set. Events that are under way
    /// already are dropped.
    /// </summary>
    public void Remove(Registration registration)
    {
        lock (_lock)
        {
            var slot = registration.Slot;
            if (_table[slot] != registration)
            {
                return;
            }

            _table[slot] = null;
            _generations[slot]++;
            _freeSlots.Push(slot);
        }
    }

    /// <summary>Queues a turn, and wakes the loop if it sleeps. From any thread.</summary>
    public void Queue(ILoopItem item)
    {
        _queue.Enqueue(item);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _waiting) != 0 && Interlocked.Exchange(ref _waiting, 0) != 0)
        {
            Wake();
        }
    }

    /// <summary>Serves the loop until another thread has taken it over.</summary>
    public void Run(int generation, LoopThreads.LoopThread thread)
    {
        _current = this;
        Volatile.Write(ref _thread, thread);
        while (true)
        {
            if (!_state.TryBegin(generation, out var state, out var wakesMonitor))
            {
                break;
            }

            if (wakesMonitor)
            {
                _monitor.Wake();
            }

            Interleaving.Point();
            if (_batch.TryTake(out var slot, out var entryGeneration, out var directions))
            {
                if (Find(slot, entryGeneration) is { } registration)
                {
                    Dispatch(registration, null, directions, state, thread);
                }

                continue;
            }

            if (Interlocked.Decrement(ref _turns) >= 0 && _queue.TryDequeue(out var item))
            {
                Dispatch(item.Owner, item, 0, state, thread);
                continue;
            }

            Interleaving.Point();
            if (!_state.TryRest(generation))
            {
                break;
            }

            Wait();
        }

        _current = null;
    }

    /// <summary>One dispatch, on whichever thread.</summary>
    internal static void Invoke(Registration registration, ILoopItem? item, int directions)
    {
        try
        {
            if (item is not null)
            {
                item.Run();
            }
            else
            {
                registration.OnEvent(directions);
            }
        }
#pragma warning disable CA1031 // An exception that escapes ends its connection, never the loop.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Escaped(registration, exception);
        }

        // What the dispatch left in an AsyncLocal, or as the thread's synchronization context, is not the next one's.
        if (ExecutionContext.Capture() != Clean)
        {
            ExecutionContext.Restore(Clean!);
        }

        if (SynchronizationContext.Current is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    private static void Escaped(Registration registration, Exception exception)
    {
        try
        {
            registration.OnEscaped(exception);
        }
#pragma warning disable CA1031 // The second exception of one dispatch: nobody is left to be told, and the thread is everybody's.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    /// <summary>Gets the loop its thread, with its first registration.</summary>
    private void Start()
    {
        if (!_started)
        {
            _monitor.Watch(this);
            _threads.Serve(this, generation: 0);
            _started = true;
        }
    }

    private void Dispatch(Registration registration, ILoopItem? item, int directions, long state, LoopThreads.LoopThread thread)
    {
        if (registration.IsOnProbation && _threads.TryRun(registration, item, directions))
        {
            return;
        }

        registration.DispatchedIn = state;
        Volatile.Write(ref _dispatching, registration);
        Interleaving.Point();
        Invoke(registration, item, directions);
        if (LoopState.GenerationOf(_state.Word) != LoopState.GenerationOf(state))
        {
            var held = thread.Held;
            thread.Held = null;
            held?.Return(registration);
        }
    }

    private Registration? Find(int slot, uint generation) =>
        Volatile.Read(ref Volatile.Read(ref _table)[slot]) is { } registration && registration.Generation == generation ? registration : null;

    /// <summary>Waits for events. Outside of any dispatch, so nobody takes over meanwhile.</summary>
    private void Wait()
    {
        var timeout = 0;
        if (_queue.IsEmpty)
        {
            Interleaving.Point();
            Volatile.Write(ref _waiting, 1);
            Interlocked.MemoryBarrier();
            if (_queue.IsEmpty)
            {
                timeout = -1;
            }
        }

        var count = Native.EpollWait(_epoll, _events, MostEvents, timeout);
        Volatile.Write(ref _waiting, 0);
        _batch.Clear();
        for (var i = 0; i < count; i++)
        {
            var (events, data) = EpollEvents.Read(new ReadOnlySpan<byte>(_events + (i * EpollEvents.Size), EpollEvents.Size));
            var slot = (int)(data >> 32);
            if (slot != WakeSlot && Find(slot, (uint)data) is { } registration && registration.Note(Directions(events)) is var directions and not 0)
            {
                _batch.Add(slot, (uint)data, directions);
            }
        }

        // As many turns as there are now: what queues itself again waits for the next events.
        Volatile.Write(ref _turns, _queue.Count);
    }

    private static int Directions(uint events)
    {
        var directions = 0;
        if ((events & (Native.EpollIn | Native.EpollRdHup | Native.EpollHup | Native.EpollErr)) != 0)
        {
            directions |= EventBatch.In;
        }

        if ((events & (Native.EpollOut | Native.EpollHup | Native.EpollErr)) != 0)
        {
            directions |= EventBatch.Out;
        }

        if ((events & (Native.EpollRdHup | Native.EpollHup | Native.EpollErr)) != 0)
        {
            directions |= EventBatch.InHungUp;
        }

        if ((events & (Native.EpollHup | Native.EpollErr)) != 0)
        {
            directions |= EventBatch.OutHungUp;
        }

        if ((events & Native.EpollPri) != 0)
        {
            directions |= EventBatch.In | EventBatch.Urgent;
        }

        return directions;
    }

    /// <summary>The counter is edge-triggered and never read: every write is an edge.</summary>
    private void Wake()
    {
        var one = 1UL;
        _ = Native.Write(_wake, (byte*)&one, sizeof(ulong));
    }
}
