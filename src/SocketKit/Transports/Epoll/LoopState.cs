namespace SocketKit.Transports.Epoll;

/// <summary>
/// Who serves a loop and whether it moves, in one word: the generation of the thread that has it, a counter of dispatches, and two flags.
/// Changed by compare-and-swap only, so the owner learns at its next dispatch that the loop was taken over, and the monitor takes over
/// nothing that has moved since it looked.
/// </summary>
internal struct LoopState
{
    private const long InDispatch = 1;
    private const long MonitorParked = 2;
    private const long OneDispatch = 1L << 8;
    private const int GenerationShift = 40;
    private const long CounterMask = ((1L << GenerationShift) - 1) & ~(OneDispatch - 1);

    private long _word;

    public readonly long Word => Volatile.Read(in _word);

    public static int GenerationOf(long word) => (int)(word >>> GenerationShift);

    /// <summary>User code may be running.</summary>
    public static bool IsInDispatch(long word) => (word & InDispatch) != 0;

    /// <summary>The owner begins its next dispatch.</summary>
    /// <param name="generation">The owner's.</param>
    /// <param name="state">The word during the dispatch.</param>
    /// <param name="wakesMonitor">The monitor sleeps until somebody begins: the caller wakes it.</param>
    /// <returns>False: the loop has another owner by now; the caller retires.</returns>
    public bool TryBegin(int generation, out long state, out bool wakesMonitor)
    {
        var word = Word;
        while (GenerationOf(word) == generation)
        {
            Interleaving.Point();
            var next = ((long)generation << GenerationShift) | ((word + OneDispatch) & CounterMask) | InDispatch;
            var found = Interlocked.CompareExchange(ref _word, next, word);
            if (found == word)
            {
                state = next;
                wakesMonitor = (word & MonitorParked) != 0;
                return true;
            }

            word = found;
        }

        state = word;
        wakesMonitor = false;
        return false;
    }

    /// <summary>The owner has nothing to dispatch: from here on nobody takes over.</summary>
    /// <returns>False: the loop has another owner by now; the caller retires.</returns>
    public bool TryRest(int generation)
    {
        var word = Word;
        while (GenerationOf(word) == generation)
        {
            Interleaving.Point();
            var found = Interlocked.CompareExchange(ref _word, word & ~InDispatch, word);
            if (found == word)
            {
                return true;
            }

            word = found;
        }

        return false;
    }

    /// <summary>Gives the loop to the next generation, if the dispatch that <paramref name="seen"/> shows is still under way.</summary>
    public bool TryTakeOver(long seen, out int generation)
    {
        generation = (GenerationOf(seen) + 1) & 0xFF_FFFF;
        return IsInDispatch(seen) && Interlocked.CompareExchange(ref _word, ((long)generation << GenerationShift) | (seen & CounterMask), seen) == seen;
    }

    /// <summary>Asks the owner to wake the monitor at its next dispatch. False: it is in one.</summary>
    public bool TryParkMonitor(long seen) => !IsInDispatch(seen) && Interlocked.CompareExchange(ref _word, seen | MonitorParked, seen) == seen;
}
