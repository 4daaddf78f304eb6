using System.Collections.Concurrent;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Interop;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>Something in a loop whose events a test takes. Its other end is written to by the test.</summary>
internal sealed class Probe : Registration, IDisposable
{
    private readonly Action<int> _onEvent;

    // Events without any of these bits are not dispatched.
    private readonly int _interest;

    public Probe(EpollLoop loop, Action<int> onEvent, uint events = Native.EpollIn | Native.EpollRdHup | Native.EpollEdge, int interest = ~0)
        : base(loop)
    {
        _onEvent = onEvent;
        _interest = interest;
        (Watched, Other) = UnixPair.Open();
        loop.Add(this, Watched.Number, events);
    }

    /// <summary>Gets no events by itself.</summary>
    public Probe(EpollLoop loop)
        : this(loop, _ => { }, 0)
    {
    }

    public Descriptor Watched { get; }

    public Descriptor Other { get; }

    /// <summary>What escaped.</summary>
    public ConcurrentQueue<Exception> Escaped { get; } = new();

    /// <summary>How often the loop was taken from its dispatch.</summary>
    public int TakenOver => Volatile.Read(ref _takenOver);

    /// <summary>How often it was told that it held its loop.</summary>
    public int Told => Volatile.Read(ref _told);

    /// <summary>Runs no user code, it says.</summary>
    public bool IsInnocent { get; init; }

    private int _takenOver;
    private int _told;

    /// <summary>Makes an event of the kernel's.</summary>
    public void Poke() => UnixPair.Write(Other, [1]);

    internal override int Note(int directions) => (directions & _interest) == 0 ? 0 : directions;

    internal override void OnEvent(int directions) => _onEvent(directions);

    internal override void OnEscaped(Exception exception) => Escaped.Enqueue(exception);

    internal override bool RunsUserCode => !IsInnocent;

    internal override void OnHeldLoop(TimeSpan time, bool goesOn) => Interlocked.Increment(ref _told);

    internal override void OnOvertaken() => Interlocked.Increment(ref _takenOver);

    public void Dispose()
    {
        Loop.Remove(this);
        Watched.Dispose();
        Other.Dispose();
    }
}

/// <summary>A turn in a loop.</summary>
internal sealed class Turn(Registration owner, Action run) : ILoopItem
{
    public Registration Owner => owner;

    public void Run() => run();

    /// <summary>Queues it.</summary>
    public static void Queue(Registration owner, Action run) => owner.Loop.Queue(new Turn(owner, run));

    /// <summary>Runs it on the loop and waits for it.</summary>
    public static Task<T> RunAsync<T>(Registration owner, Func<T> run)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue(owner, () => done.SetResult(run()));
        return done.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
