using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// The accept of a listener: one at a time, and completed once. The listener's lock guards <see cref="Begin"/>, <see cref="IsWaiting"/> and
/// <see cref="End"/>; <see cref="Complete"/> follows outside of it, since the accept loop continues on its stack.
/// </summary>
internal sealed class AcceptCall : IValueTaskSource<Transport?>
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Ended = 2;

    private ManualResetValueTaskSourceCore<Transport?> _source;

    // Volatile, because fetching the result sets it to idle outside of the lock.
    private volatile int _state;

    /// <summary>True from <see cref="Begin"/> to <see cref="End"/>.</summary>
    public bool IsWaiting => _state == Waiting;

    /// <summary>Begins one.</summary>
    /// <exception cref="InvalidOperationException">One is under way, or the result of the last one was not fetched yet.</exception>
    public ValueTask<Transport?> Begin()
    {
        if (_state != Idle)
        {
            throw new InvalidOperationException("An accept is under way");
        }

        _state = Waiting;
        _source.Reset();
        return new ValueTask<Transport?>(this, _source.Version);
    }

    /// <summary>Ends the wait. True: the caller must complete the accept. False: no accept waits.</summary>
    public bool End()
    {
        if (_state != Waiting)
        {
            return false;
        }

        _state = Ended;
        return true;
    }

    /// <summary>Hands the result over, once after <see cref="End"/>.</summary>
    public void Complete(Transport? transport, Exception? failure)
    {
        if (failure is null)
        {
            _source.SetResult(transport);
        }
        else
        {
            _source.SetException(failure);
        }
    }

    Transport? IValueTaskSource<Transport?>.GetResult(short token)
    {
        _state = Idle;
        return _source.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<Transport?>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<Transport?>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
