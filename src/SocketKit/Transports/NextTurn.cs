using System.Runtime.CompilerServices;

namespace SocketKit.Transports;

/// <summary>
/// The wait for a transport's next turn that always leaves the caller's stack. A plain await of <see cref="Transport.YieldAsync"/> does not: it goes on inline when the turn is over before the awaiter looks, which another thread may bring about
/// at any time, or when somebody's transport yields without leaving.
/// </summary>
internal readonly struct NextTurn : ICriticalNotifyCompletion
{
    private readonly ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _turn;

    private NextTurn(ValueTask turn) => _turn = turn.ConfigureAwait(false).GetAwaiter();

    /// <summary>For the compiler: the wait is never over at first, so what follows it runs on the engine's stack.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1822", Justification = "An awaiter's member.")]
    public bool IsCompleted => false;

    /// <summary>Asks for a turn; the caller awaits it, once.</summary>
    public static NextTurn Of(Transport transport) => new(transport.YieldAsync());

    public NextTurn GetAwaiter() => this;

    public void GetResult() => _turn.GetResult();

    public void OnCompleted(Action continuation) => _turn.OnCompleted(continuation);

    // What is complete already calls back from the thread pool.
    public void UnsafeOnCompleted(Action continuation) => _turn.UnsafeOnCompleted(continuation);
}
