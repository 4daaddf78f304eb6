using System.Threading.Tasks.Sources;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// The one read or flush that the application awaits. Guarded by the lock of its pipe end, except for <see cref="Await"/>,
/// <see cref="SetResult"/>, <see cref="SetException"/> and the awaiter's methods, which are called outside of it.
/// <code>
///   idle    -> pending   Begin
///   pending -> idle      TryTake, TryTakeToCancel: the thread that takes the call completes it, outside of the lock
/// </code>
/// </summary>
internal struct PendingCall<TResult>
{
    private ManualResetValueTaskSourceCore<TResult> _source;
    private CancellationTokenRegistration _registration;

    public bool IsPending { get; private set; }

    /// <summary>The next call is to be canceled, as none was pending when that was asked for.</summary>
    public bool CancelAsked { get; private set; }

    public void Begin()
    {
        IsPending = true;
        _source.Reset();
        _source.RunContinuationsAsynchronously = false;
    }

    /// <summary>The task of the call that has begun, which a token may cancel.</summary>
    /// <param name="owner">Forwards the awaiter's methods to this.</param>
    /// <param name="cancel">Takes the owner's call to cancel it, if it is still pending.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public ValueTask<TResult> Await(
        IValueTaskSource<TResult> owner, Action<object?, CancellationToken> cancel, CancellationToken cancellationToken)
    {
        var task = new ValueTask<TResult>(owner, _source.Version);
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(cancel, owner);
        }

        return task;
    }

    /// <summary>Takes the call to complete it: its continuation runs on the stack that does so.</summary>
    public bool TryTake()
    {
        var taken = IsPending;
        IsPending = false;
        return taken;
    }

    /// <summary>Takes the call to cancel it: its continuation runs on the pool, and not on the canceler's stack.</summary>
    public bool TryTakeToCancel()
    {
        if (!TryTake())
        {
            return false;
        }

        _source.RunContinuationsAsynchronously = true;
        return true;
    }

    /// <summary>The next call is to be canceled.</summary>
    public void AskToCancel() => CancelAsked = true;

    /// <summary>The call that completes now is the canceled one; the next one is not.</summary>
    public bool TakeCancelAsked()
    {
        var asked = CancelAsked;
        CancelAsked = false;
        return asked;
    }

    public void SetResult(TResult result) => _source.SetResult(result);

    public void SetException(Exception exception) => _source.SetException(exception);

    public TResult GetResult(short token)
    {
        _registration.Dispose();
        _registration = default;
        return _source.GetResult(token);
    }

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
