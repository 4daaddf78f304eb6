using System.Diagnostics.CodeAnalysis;

namespace SocketKit.Connections;

/// <summary>
/// A lock for sections of a few instructions: one interlocked operation to enter, a plain store to leave, four bytes. A message passes several, so half the price of <see cref="Lock"/> is worth having.
/// Who finds it held spins, then yields, then sleeps for a millisecond at a time; it is not fair. Not recursive: <c>using (_gate.Enter()) { ... }</c>.
/// </summary>
internal struct ShortLock
{
    /// <summary>Held by a thread that did not say which it is.</summary>
    private const int Somebody = -1;

    /// <summary>So many turns of waiting take far longer than any section but one in which a framer writes a large message.</summary>
    private const int TurnsBeforeSleep = 100;

    private int _holder;

    [UnscopedRef]
    public Scope Enter() => Enter(Somebody);

    /// <summary>The same, around user code: if that comes back here, it is told and does not wait for itself.</summary>
    /// <param name="thread">The caller's managed thread id.</param>
    /// <exception cref="LockRecursionException">The thread is inside already.</exception>
    [UnscopedRef]
    public Scope Enter(int thread)
    {
        if (Interlocked.CompareExchange(ref _holder, thread, 0) != 0)
        {
            Contend(thread);
        }

        return new Scope(ref this);
    }

    private void Contend(int thread)
    {
        var wait = default(SpinWait);
        do
        {
            if (Volatile.Read(ref _holder) == Environment.CurrentManagedThreadId)
            {
                throw new LockRecursionException("A framer must not use the connection that it writes to");
            }

            wait.SpinOnce(TurnsBeforeSleep);
        }
        while (Volatile.Read(ref _holder) != 0 || Interlocked.CompareExchange(ref _holder, thread, 0) != 0);
    }

    /// <summary>Lets go of it at the end of a block.</summary>
    public readonly ref struct Scope
    {
        private readonly ref ShortLock _lock;

        internal Scope(ref ShortLock held) => _lock = ref held;

        public void Dispose() => Volatile.Write(ref _lock._holder, 0);
    }
}
