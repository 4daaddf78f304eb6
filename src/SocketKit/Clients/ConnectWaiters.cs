namespace SocketKit.Clients;

/// <summary>
/// The calls of ConnectAsync that wait for a run's connection. Guarded by the session's lock, except for <see cref="Fail"/>, which follows
/// when no call can join any more. Their continuations run on the pool.
/// </summary>
internal sealed class ConnectWaiters
{
    private TaskCompletionSource _connected = NewSignal();
    private int _count;
    private bool _wasConnected;

    /// <summary>A caller waits for the connection that is open or comes next.</summary>
    public Task Join()
    {
        _count++;
        return _connected.Task;
    }

    /// <summary>A caller does not wait any longer.</summary>
    /// <param name="joined">The task that <see cref="Join"/> returned to it.</param>
    public LeaveResult Leave(Task joined)
    {
        if (joined.IsCompletedSuccessfully)
        {
            return LeaveResult.Connected;
        }

        return --_count == 0 && !_wasConnected ? LeaveResult.Deserted : LeaveResult.Left;
    }

    /// <summary>The connection is open.</summary>
    public void Complete()
    {
        _wasConnected = true;
        _connected.TrySetResult();
    }

    /// <summary>The connection is lost: calls that join from here on wait for the next one.</summary>
    public void Renew()
    {
        if (_connected.Task.IsCompleted)
        {
            _connected = NewSignal();
        }
    }

    /// <summary>No connection follows. The exception counts as observed, also when no caller awaits.</summary>
    public void Fail(Exception exception)
    {
        if (_connected.TrySetException(exception))
        {
            _ = _connected.Task.Exception;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The effect on an attempt when a caller stops waiting for it.</summary>
internal enum LeaveResult
{
    /// <summary>None: it connected in the same instant.</summary>
    Connected,

    /// <summary>It goes on: others wait for it, or the run had a connection before.</summary>
    Left,

    /// <summary>It ends: that was the last caller, and no connection was ever open.</summary>
    Deserted,
}
