using System.Runtime.CompilerServices;

namespace SocketKit;

/// <summary>
/// The wait for a transport's next turn that always leaves the caller's stack. A plain await of <see cref="Transport.YieldAsync"/> does
/// not: it goes on inline when the turn is over before the awaiter looks, which another thread may bring about at any time, or when
/// somebody's transport yields without leaving.
/// </summary>
internal readonly struct NextTurn : ICriticalNotifyCompletion
{
    private readonly OffStack _turn;

    private NextTurn(ValueTask turn) => _turn = new OffStack(turn);

    /// <summary>For the compiler: the wait is never over at first, so what follows it runs on the engine's stack.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1822", Justification = "An awaiter's member.")]
    public bool IsCompleted => false;

    /// <summary>
    /// Asks for a turn; the caller awaits it, once. Never throws: where a transport of somebody else's gives no turn, the thread pool's is
    /// as good, and its operations tell what is wrong with it.
    /// </summary>
    public static NextTurn Of(Transport transport)
    {
        try
        {
            return new NextTurn(transport.YieldAsync());
        }
#pragma warning disable CA1031 // See above.
        catch (Exception)
#pragma warning restore CA1031
        {
            return new NextTurn(default);
        }
    }

    public NextTurn GetAwaiter() => this;

    public void GetResult()
    {
        try
        {
            _turn.GetResult();
        }
#pragma warning disable CA1031 // A yield that failed: the stack is left all the same.
        catch (Exception)
#pragma warning restore CA1031
        {
            // See Of.
        }
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    // What is complete already calls back from the thread pool.
    public void UnsafeOnCompleted(Action continuation)
    {
        try
        {
            _turn.UnsafeOnCompleted(continuation);
        }
#pragma warning disable CA1031 // A yield that cannot even be awaited. Out of here its exception would end the process.
        catch (Exception)
#pragma warning restore CA1031
        {
            ThreadPool.UnsafeQueueUserWorkItem(static next => next(), continuation, preferLocal: false);
        }
    }
}
