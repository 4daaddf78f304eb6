namespace SocketKit.Transports.Epoll;

/// <summary>Something that the kernel reports events of: a connection, a listener, a dial under way.</summary>
internal abstract class Registration(EpollLoop loop)
{
    /// <summary>So many short dispatches in a row make up for one that blocked its loop.</summary>
    private const int Probation = 1000;

    private int _probation;
    private long _dispatchedIn = -1;

    public EpollLoop Loop => loop;

    /// <summary>Its place in the loop's table.</summary>
    public int Slot { get; private set; }

    /// <summary>How often that place was taken before; events of its former holders are told apart by it.</summary>
    public uint Generation { get; private set; }

    /// <summary>The word of the loop during the last dispatch on it.</summary>
    internal long DispatchedIn
    {
        get => Volatile.Read(ref _dispatchedIn);
        set => Volatile.Write(ref _dispatchedIn, value);
    }

    /// <summary>
    /// Its dispatches may run user code, which may block. What cannot block is never on probation, whatever it looks like on a busy
    /// machine.
    /// </summary>
    internal virtual bool RunsUserCode => true;

    /// <summary>A dispatch of this one blocked its loop not long ago, so spare threads dispatch it.</summary>
    internal bool IsOnProbation => Volatile.Read(ref _probation) > 0;

    internal void Place(int slot, uint generation)
    {
        Slot = slot;
        Generation = generation;
    }

    /// <summary>Notes an event, and says what of it needs a dispatch: what nobody waits for needs none. Runs no user code.</summary>
    /// <param name="directions">Bits of <see cref="EventBatch"/>.</param>
    internal virtual int Note(int directions) => directions;

    /// <summary>
    /// One direction of an event that <see cref="Note"/> asked to dispatch. Runs user code; what it throws must not be let out.
    /// </summary>
    /// <param name="directions">Bits of <see cref="EventBatch"/>.</param>
    internal abstract void OnEvent(int directions);

    /// <summary>An exception escaped a dispatch.</summary>
    internal abstract void OnEscaped(Exception exception);

    /// <summary>A dispatch of this one goes on beside the loop, which has gone to another thread. Called on the loop.</summary>
    internal virtual void OnOvertaken()
    {
    }

    /// <summary>A dispatch of this one has held its loop, by its own fault, and is the first since it last behaved.</summary>
    /// <param name="time">For so long.</param>
    /// <param name="goesOn">It has not ended yet.</param>
    internal virtual void OnHeldLoop(TimeSpan time, bool goesOn)
    {
    }

    /// <summary>A dispatch of this one blocks its loop, and there is no thread left to give the loop to.</summary>
    internal virtual void OnSparesExhausted()
    {
    }

    /// <summary>Begins the probation, or begins it anew.</summary>
    /// <returns>True: it was not on probation before.</returns>
    internal bool Convict() => RunsUserCode && Interlocked.Exchange(ref _probation, Probation) == 0;

    /// <summary>A dispatch on a spare thread is over.</summary>
    /// <param name="blocked">It would have blocked a loop.</param>
    internal void NoteDispatch(bool blocked)
    {
        if (blocked)
        {
            Volatile.Write(ref _probation, Probation);
        }
        else if (Interlocked.Decrement(ref _probation) < 0)
        {
            Volatile.Write(ref _probation, 0);
        }
    }
}
