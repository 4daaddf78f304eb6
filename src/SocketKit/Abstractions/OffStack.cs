using System.Runtime.CompilerServices;

namespace SocketKit;

/// <summary>
/// An await that always leaves the caller's stack: what follows runs where the task completes or, if it is complete already, on the thread
/// pool. A plain await goes on inline when another thread completes the task before the awaiter looks.
/// </summary>
internal readonly struct OffStack : ICriticalNotifyCompletion
{
    private readonly ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _task;

    /// <summary>Awaited once.</summary>
    public OffStack(ValueTask task) => _task = task.ConfigureAwait(false).GetAwaiter();

    /// <summary>For the compiler: the wait is never over at first.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1822", Justification = "An awaiter's member.")]
    public bool IsCompleted => false;

    public OffStack GetAwaiter() => this;

    /// <exception cref="Exception">What the task failed with.</exception>
    public void GetResult() => _task.GetResult();

    public void OnCompleted(Action continuation) => _task.UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => _task.UnsafeOnCompleted(continuation);
}
