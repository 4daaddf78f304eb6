namespace SocketKit.Transports.Epoll;

/// <summary>
/// What one direction of a connection knows of the kernel: <see cref="Ready"/>, a call may succeed; <see cref="Parked"/>, somebody waits;
/// <see cref="HungUp"/>, it will never wait again. Changed by interlocked operations only, since events, the owner of the direction,
/// aborts, and two threads in one dispatch meet here.
/// </summary>
/// <remarks>
/// Of all who find a parked operation, the one whose compare-and-swap takes <see cref="Parked"/> away completes it; nobody else touches it.
/// </remarks>
internal struct Readiness
{
    public const int Ready = 1;
    public const int Parked = 2;
    public const int HungUp = 4;

    private int _flags;

    /// <param name="ready">True: a call may succeed at first, so the kernel is asked before anybody waits.</param>
    public Readiness(bool ready) => _flags = ready ? Ready : 0;

    public readonly bool IsHungUp => (Volatile.Read(in _flags) & HungUp) != 0;

    /// <summary>True when the next call to the kernel may bring something.</summary>
    public readonly bool MayCall => (Volatile.Read(in _flags) & (Ready | HungUp)) != 0;

    /// <summary>Nobody will wait here again.</summary>
    public void NoteHangUp() => Interlocked.Or(ref _flags, HungUp);

    /// <summary>The kernel has said EAGAIN after a hang-up that was known before: it was none.</summary>
    /// <remarks>Only when nothing has come since <see cref="Clear"/>: else the news stays, and the kernel is asked again.</remarks>
    public void ForgetHangUp() => Interlocked.CompareExchange(ref _flags, 0, HungUp);

    /// <summary>The owner is about to ask the kernel: an event from here on is news.</summary>
    public void Clear() => Interlocked.And(ref _flags, ~Ready);

    /// <summary>The owner has left something in the kernel.</summary>
    public void SetReady() => Interlocked.Or(ref _flags, Ready);

    /// <summary>Parks the owner's operation. False: there was news meanwhile, so ask the kernel again.</summary>
    public bool TryPark() => Interlocked.CompareExchange(ref _flags, Parked, 0) == 0;

    /// <summary>An event, or an abort: notes it, and takes the parked operation, if there is one.</summary>
    /// <param name="news"><see cref="Ready"/>, perhaps with <see cref="HungUp"/>.</param>
    /// <returns>True: the caller has the operation and must go on with it.</returns>
    public bool Signal(int news)
    {
        var flags = Volatile.Read(ref _flags);
        while (true)
        {
            if ((flags & (news | Parked)) == news)
            {
                return false;
            }

            Interleaving.Point();
            var after = (flags | news) & ~Parked;
            var found = Interlocked.CompareExchange(ref _flags, after, flags);
            if (found == flags)
            {
                return (flags & Parked) != 0;
            }

            flags = found;
        }
    }
}
