using System.Threading.Tasks.Sources;

namespace SocketKit.Connections;

/// <summary>
/// A reusable wait for one waiter inside the library. The waiter continues on the stack of <see cref="Set"/>, so it is called outside every
/// lock, and never handed to users.
/// </summary>
internal sealed class AsyncSignal<T> : IValueTaskSource<T>
{
    private ManualResetValueTaskSourceCore<T> _core;

    /// <summary>Begins a new wait. Must precede the <see cref="Set"/> that ends it.</summary>
    public ValueTask<T> Arm()
    {
        _core.Reset();
        return new ValueTask<T>(this, _core.Version);
    }

    public void Set(T value) => _core.SetResult(value);

    T IValueTaskSource<T>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
