namespace SocketKit.Transports.Tls;

/// <summary>
/// Keeps a read and close_notify apart. SslStream itself lets a read and a write into the native TLS object one at a time, but not a read
/// and a shutdown: two threads in one object corrupt the memory of the process.
/// A read is inside the engine from its begin to its end, except while it waits for the wire: a flood of received bytes never waits, so
/// the read also hands over between two receives of the wire.
/// </summary>
/// <remarks>
/// One reader and one that shuts down, on any threads. The state is an integer that is changed by compare-and-swap, and each change has
/// one owner:
/// <code>
/// Free    -> Read       the reader enters                Free    -> Shutdown   close_notify enters
/// Read    -> Free       the reader exits                 Shutdown -> Free      close_notify exits
/// Read    -> ReadWanted close_notify waits               Shutdown -> ShutdownWanted  the reader waits
/// ReadWanted -> Shutdown the reader exits, hands over    ShutdownWanted -> Read      close_notify exits, hands over
/// </code>
/// Nothing is awaited inside, so each side gets its turn in the time of one decryption or one alert.
/// </remarks>
internal sealed class TlsEngineLock
{
    private const int Free = 0;
    private const int Read = 1;
    private const int ReadWanted = 2;
    private const int Shutdown = 3;
    private const int ShutdownWanted = 4;

    private int _state;

    /// <summary>Set before the state says that somebody waits. Completed on the thread pool, never on the stack of the other
    /// side.</summary>
    private TaskCompletionSource? _turn;

    /// <summary>Close_notify waits for the reader, which is inside.</summary>
    public bool IsShutdownWaiting => Volatile.Read(ref _state) == ReadWanted;

    /// <returns>False: close_notify is inside; <see cref="EnterReadAsync"/> waits for its end.</returns>
    public bool TryEnterRead() => Interlocked.CompareExchange(ref _state, Read, Free) == Free;

    public ValueTask EnterReadAsync() => TryEnterRead() ? default : EnterAsync(Read, Shutdown, ShutdownWanted);

    public void ExitRead() => Exit(Read, Shutdown);

    public ValueTask EnterShutdownAsync() =>
        Interlocked.CompareExchange(ref _state, Shutdown, Free) == Free ? default : EnterAsync(Shutdown, Read, ReadWanted);

    public void ExitShutdown() => Exit(Shutdown, Read);

    private ValueTask EnterAsync(int mine, int others, int wanted)
    {
        while (true)
        {
            var turn = _turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var state = Interlocked.CompareExchange(ref _state, wanted, others);
            if (state == others)
            {
                return new ValueTask(turn.Task);
            }

            if (state != Free)
            {
                throw new InvalidOperationException("A receive, or the end of the sending side, is under way already");
            }

            if (Interlocked.CompareExchange(ref _state, mine, Free) == Free)
            {
                return default;
            }
        }
    }

    private void Exit(int mine, int others)
    {
        if (Interlocked.CompareExchange(ref _state, Free, mine) != mine)
        {
            // The other side waits: it is inside from now on.
            var turn = _turn!;
            Volatile.Write(ref _state, others);
            turn.SetResult();
        }
    }
}
