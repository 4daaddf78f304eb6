using System.Diagnostics;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// A dispatch that has stood still for a tick of the monitor, so that its loop was taken over, and whether its code is to blame. That it
/// stood still says little: on a busy machine its thread may have had no processor. To blame is a thread that was
/// found asleep, or that has used much processor time. Looks are the monitor's; the thread itself gives the verdict when it comes back, and
/// the monitor when it does not come back.
/// </summary>
internal sealed class HeldDispatch
{
    /// <summary>What is over sooner has held nothing up: a short wait that a late look happened to see.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10);

    /// <summary>A dispatch that has used so much processor time holds its loop by itself.</summary>
    public static readonly TimeSpan MuchProcessorTime = TimeSpan.FromMilliseconds(100);

    /// <summary>A dispatch that lasts longer is told of before it ends.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(1);

    private readonly NativeThread _thread;
    private readonly Registration? _registration;
    private readonly long _began;
    private readonly RuntimeWork _atFirst;
    private readonly TimeSpan? _usedAtFirst;
    private SleepEvidence _evidence;
    private volatile bool _sleeps;
    private volatile bool _returned;
    private int _told;
    private bool _sleepNoticed;

    /// <summary>Begins with what the monitor knows.</summary>
    /// <param name="word">The loop's word during the dispatch.</param>
    /// <param name="thread">The loop's thread during it.</param>
    /// <param name="registration">What is dispatched; null when it cannot be told.</param>
    /// <param name="began">When the dispatch was first seen.</param>
    /// <param name="atFirst">What the runtime had done by then.</param>
    /// <param name="lastPause">When a collection was last noticed.</param>
    public HeldDispatch(long word, NativeThread thread, Registration? registration, long began, RuntimeWork atFirst, long lastPause)
    {
        Word = word;
        _thread = thread;
        _registration = registration;
        _began = began;
        _atFirst = atFirst;
        _evidence = new SleepEvidence(lastPause, atFirst);
        _usedAtFirst = thread.ProcessorTime;
    }

    public long Word { get; }

    /// <summary>
    /// The thread sleeps, and its connection was not told since: it may have sent after the loop was taken, and then blocked. The
    /// monitor's.
    /// </summary>
    public bool TakesSleepNotice()
    {
        var takes = !_sleepNoticed && !_returned && WasSeenAsleep;
        _sleepNoticed |= takes;
        return takes;
    }

    public Registration? Registration => _registration;

    /// <summary>The monitor's.</summary>
    public bool WasSeenAsleep { get; private set; }

    /// <summary>The thread has come back.</summary>
    public bool HasReturned => _returned;

    /// <summary>Nothing is left to find out: the thread has come back, or it was told of.</summary>
    public bool IsSettled => _returned || Volatile.Read(ref _told) != 0;

    public TimeSpan Age => Stopwatch.GetElapsedTime(_began);

    /// <summary>Sees what the thread does now. The monitor's.</summary>
    /// <param name="isBusy">The machine is busy.</param>
    /// <returns>False: nobody was asked, since it is known already.</returns>
    public bool Look(bool isBusy)
    {
        if (_sleeps)
        {
            return false;
        }

        // A thread that has come back may sleep for want of work.
        var isAsleep = _thread.IsAsleep && !_returned;
        var used = _thread.ProcessorTime;
        _sleeps = _evidence.Look(Stopwatch.GetTimestamp(), isAsleep, used, RuntimeWork.Now, isBusy);
        WasSeenAsleep |= isAsleep;
        return true;
    }

    /// <summary>What was dispatched holds its loop, and not the machine or the runtime.</summary>
    public bool IsToBlame()
    {
        if (_thread.ProcessorTime - _usedAtFirst >= MuchProcessorTime)
        {
            return true;
        }

        var held = Age;
        if (held < Least)
        {
            return false;
        }

        // While methods are compiled, a thread may wait for one of them, on a busy machine for some hundred milliseconds.
        return _sleeps && (held >= Long || RuntimeWork.Now.CompiledMethods == _atFirst.CompiledMethods);
    }

    /// <summary>It still lasts, and is to blame: begins the probation. The monitor's.</summary>
    /// <returns>True: the caller tells of it, elsewhere.</returns>
    public bool IsNewsBeforeItsEnd() => _registration is not null && !_returned && IsToBlame() && IsNews(_registration);

    /// <summary>The thread is back. The verdict, and what follows from it.</summary>
    public void Return(Registration registration)
    {
        _returned = true;
        if (IsToBlame() && IsNews(registration))
        {
            registration.OnHeldLoop(Age, goesOn: false);
        }
    }

    /// <summary>Tells of what goes on.</summary>
    public void Tell() => _registration!.OnHeldLoop(Age, goesOn: true);

    private bool IsNews(Registration registration) => registration.Convict() & (Interlocked.Exchange(ref _told, 1) == 0);
}
