using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace SocketKit;

/// <summary>
/// A function that reads messages in a loop, as a handler. One per connection.
/// </summary>
/// <remarks>
/// A rendezvous of two parties. The connection calls (connected, a message) and waits on <c>_call</c>; the loop asks and waits on
/// <c>_ask</c>. Asking again completes the call before.
/// <code>
///   connection:  OnConnected ........ done    OnMessage ...................... done    OnMessage ...
///   loop:        function starts, asks ------ gets the message, works, asks again ---- gets the next ...
/// </code>
/// The flags change under the lock; the two sources are completed outside of it, and run the other party inline. That nests at most one
/// deep: who asks is marked as asking before the call completes, so a message that comes out of that completion is found by the asker when
/// it returns, and a call that was completed in its own hand-over returns as completed.
/// </remarks>
internal sealed class LoopHandler(Func<IConnection, IAsyncEnumerable<ReadOnlyMemory<byte>>, ValueTask> loop)
    : ConnectionHandler, IAsyncEnumerable<ReadOnlyMemory<byte>>, IAsyncEnumerator<ReadOnlyMemory<byte>>, IValueTaskSource, IValueTaskSource<bool>
{
    private readonly Lock _lock = new();
    private ManualResetValueTaskSourceCore<bool> _call;
    private ManualResetValueTaskSourceCore<bool> _ask;
    private ReadOnlyMemory<byte> _current;
    private bool _calling;      // a call of the connection is not completed yet
    private bool _taken;        // ... and the loop has it
    private bool _asking;       // the loop waits for a message
    private bool _inputOver;    // the last call has begun: it lasts until the function ends
    private bool _closed;
    private bool _ended;        // the function has ended
    private bool _enumerating;
    private CancellationToken _cancellation;
    private CancellationTokenRegistration _registration;
    private Task _run = Task.CompletedTask;
    private Exception? _unseen; // what the function threw when nobody else was there to be told, for the last call to carry

    public override ValueTask OnConnectedAsync(IConnection connection)
    {
        _calling = true;
        _taken = true;
        var version = _call.Version;
        _run = RunAsync(connection);
        return CallTask(version);
    }

    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        bool hand;
        short version;
        lock (_lock)
        {
            if (_ended)
            {
                return default;
            }

            _call.Reset();
            version = _call.Version;
            _current = message;
            _calling = true;
            hand = _asking;
            _taken = hand;
            _asking = false;
        }

        if (hand)
        {
            _ask.SetResult(true);
        }

        return CallTask(version);
    }

    public override ValueTask OnInputEndedAsync(IConnection connection)
    {
        bool wake;
        short version;
        lock (_lock)
        {
            if (_ended)
            {
                return default;
            }

            _call.Reset();
            version = _call.Version;
            _calling = _taken = _inputOver = true;
            wake = _asking;
            _asking = false;
        }

        if (wake)
        {
            _ask.SetResult(false);
        }

        return CallTask(version);
    }

    public override async ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
    {
        bool wake;
        lock (_lock)
        {
            _closed = true;
            wake = _asking;
            _asking = false;
        }

        if (wake)
        {
            _ask.SetResult(false);
        }

        await _run.ConfigureAwait(false);
        if (_unseen is not null)
        {
            ExceptionDispatchInfo.Throw(_unseen);
        }
    }

    public IAsyncEnumerator<ReadOnlyMemory<byte>> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_enumerating)
            {
                throw new InvalidOperationException("The messages of a connection are read by one loop at a time.");
            }

            _enumerating = true;
            _cancellation = cancellationToken;
        }

        _registration = cancellationToken.UnsafeRegister(static handler => ((LoopHandler)handler!).CancelAsk(), this);
        return this;
    }

    public ReadOnlyMemory<byte> Current => _current;

    public ValueTask<bool> MoveNextAsync()
    {
        bool complete;
        short version;
        lock (_lock)
        {
            if (_asking)
            {
                throw new InvalidOperationException("The next message is being waited for already.");
            }

            if (_cancellation.IsCancellationRequested)
            {
                return ValueTask.FromCanceled<bool>(_cancellation);
            }

            if (_inputOver)
            {
                return new(false);
            }

            if (_calling && !_taken)
            {
                // It came while nobody asked, after a cancelled wait.
                _taken = true;
                return new(true);
            }

            complete = _calling;
            _calling = false;
            _current = default;
            _asking = !_closed && !_ended;
            if (!_asking && !complete)
            {
                return new(false);
            }

            _ask.Reset();
            _ask.RunContinuationsAsynchronously = false;
            version = _ask.Version;
            if (!_asking)
            {
                _ask.SetResult(false);
            }
        }

        if (complete)
        {
            _call.SetResult(true);
        }

        return new(this, version);
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _enumerating = false;
            _cancellation = default;
        }

        return _registration.DisposeAsync();
    }

    private async Task RunAsync(IConnection connection)
    {
        Exception? failure = null;
        try
        {
            await loop(connection, this).ConfigureAwait(false);
            if (!_closed && !_inputOver)
            {
                await connection.CloseAsync("The message loop returned").ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        var host = connection as IHandlerHost;
        if (!End(failure, host is not null))
        {
            return;
        }

        if (host is not null)
        {
            host.HandlerFailed(failure!);
        }
        else
        {
            await connection.CloseAsync($"The message loop failed: {failure!.Message}").ConfigureAwait(false);
        }
    }

    // Returns true for a failure that no call is there to carry, neither one under way nor the last one.
    private bool End(Exception? failure, bool hasHost)
    {
        bool complete, untold;
        lock (_lock)
        {
            complete = _calling;
            _calling = false;
            _asking = false;
            _current = default;
            _ended = true;
            untold = failure is not null && !complete && !_closed;
            _unseen = complete || (untold && hasHost) ? null : failure;
        }

        if (complete && failure is null)
        {
            _call.SetResult(true);
        }
        else if (complete)
        {
            _call.SetException(failure!);
        }

        return untold;
    }

    private void CancelAsk()
    {
        bool cancel;
        CancellationToken cancellation;
        lock (_lock)
        {
            cancel = _asking;
            cancellation = _cancellation;
            _asking = false;
        }

        if (cancel)
        {
            // Who cancels a token must not find itself serving a connection.
            _ask.RunContinuationsAsynchronously = true;
            _ask.SetException(new OperationCanceledException(cancellation));
        }
    }

    // Completed already, as with a loop that does not wait: nothing for the connection to await.
    private ValueTask CallTask(short version) => _call.GetStatus(version) == ValueTaskSourceStatus.Succeeded ? default : new(this, version);

    void IValueTaskSource.GetResult(short token) => _call.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _call.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _call.OnCompleted(continuation, state, token, flags);

    bool IValueTaskSource<bool>.GetResult(short token) => _ask.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _ask.GetStatus(token);

    // The loop continues where the message arrives, whatever context it was in when it asked.
    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _ask.OnCompleted(continuation, state, token, flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext);
}
