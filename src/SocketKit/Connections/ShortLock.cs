using System.Diagnostics.CodeAnalysis;

namespace SocketKit.Connections;

/// <summary>
/// A lock for sections of a few instructions: one interlocked operation to enter, a plain store to leave, four bytes. A message passes
/// several, so half the price of <see cref="Lock"/> is worth having. Who finds it held spins, then yields, then sleeps for a millisecond at
/// a time; it is not fair. Not recursive: <c>using (_lock.Enter()) { ... }</c>.
/// </summary>
internal struct ShortLock
{
    /// <summary>So many turns of waiting take far longer than any section but one in which a framer writes a large message.</summary>
    private const int TurnsBeforeSleep = 100;

    private int _holder;

    /// <summary>Somebody is inside; an old answer when it is read.</summary>
    public bool IsHeld => Volatile.Read(ref _holder) != 0;

    /// <summary>
    /// Waits until nobody is inside. User code that runs inside (a framer, a wire's counts, a clock) and comes back here is told, and does
    /// not wait for itself.
    /// </summary>
    /// <exception cref="LockRecursionException">The thread is inside already.</exception>
    [UnscopedRef]
    public Scope Enter() => Enter(Environment.CurrentManagedThreadId);

    /// <summary>The same, for a caller that knows its thread.</summary>
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
                throw new LockRecursionException("A framer's Write runs in the middle of a call of the connection, and must not use it");
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
