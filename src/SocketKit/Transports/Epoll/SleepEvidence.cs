using System.Diagnostics;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// Whether a thread that was seen asleep sleeps by what its code does. A collection puts all threads to sleep, and lets them go one after
/// the other: on a busy machine some of them sleep on for a while behind its end. So a thread that is seen asleep close to a collection has
/// to be seen so for longer, without having run in between. Not thread-safe.
/// </summary>
/// <param name="lastPause">By <see cref="Stopwatch"/>: when a collection was last noticed.</param>
/// <param name="atFirst">What the runtime had done by the first look.</param>
internal struct SleepEvidence(long lastPause, RuntimeWork atFirst)
{
    /// <summary>After so long a collection has let all threads go.</summary>
    public static readonly TimeSpan LetGo = TimeSpan.FromMilliseconds(20);

    /// <summary>The same on a machine that is busy: who lets the others go may have to wait for a processor.</summary>
    public static readonly TimeSpan LetGoWhenBusy = TimeSpan.FromMilliseconds(100);

    private long _lastPause = lastPause;
    private RuntimeWork _atLastLook = atFirst;

    // The sleep that goes on: since when, what the thread had used by then, how long collections had stopped the threads by then.
    private bool _sleeps;
    private long _since;
    private TimeSpan? _used;
    private TimeSpan _pauses;

    /// <summary>One look.</summary>
    /// <param name="time">By <see cref="Stopwatch"/>.</param>
    /// <param name="isAsleep">The thread waits for something other than a processor.</param>
    /// <param name="used">The processor time that it has used.</param>
    /// <param name="work">What the runtime has done.</param>
    /// <param name="isBusy">The machine is busy.</param>
    /// <returns>True: its code sleeps.</returns>
    public bool Look(long time, bool isAsleep, TimeSpan? used, RuntimeWork work, bool isBusy)
    {
        if (!work.HasNotPausedSince(_atLastLook))
        {
            _lastPause = time;
        }

        _atLastLook = work;
        if (!isAsleep)
        {
            _sleeps = false;
            return false;
        }

        if (!_sleeps || used != _used)
        {
            (_sleeps, _since, _used, _pauses) = (true, time, used, work.Pauses);
        }

        var letGo = isBusy ? LetGoWhenBusy : LetGo;
        return Stopwatch.GetElapsedTime(_lastPause, time) >= letGo
            || Stopwatch.GetElapsedTime(_since, time) - (work.Pauses - _pauses) >= letGo;
    }
}
