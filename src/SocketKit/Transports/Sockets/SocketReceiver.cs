using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.Sockets;

/// <summary>
/// The receiving half of a <see cref="SocketTransport"/>. The wait of an empty receive is a receive into 256 bytes of its own: for small
/// messages, waiting and receiving are then one system call, and an idle connection holds no larger buffer. The next non-empty receive
/// hands these bytes out first. What the wait ran into, the end of the stream or an error, is told by that receive too, never by the wait.
/// </summary>
/// <remarks>
/// On a busy server a wait first takes a turn through the thread pool's queue, behind the other connections: by then the peer has mostly
/// sent the next message, so one receive finds it, where asking at once would find nothing, and the message would cost a second receive and
/// a round through the runtime's event loop. Where that does not come true, it is tried ever more seldom, down to once in 128 waits.
/// </remarks>
internal sealed class SocketReceiver : SocketAsyncEventArgs, IValueTaskSource<ReceiveResult>, IThreadPoolWorkItem
{
    private const int PrefetchLength = 256;
    private const int MostDirectWaits = 127;

    private readonly SocketTransport _transport;
    private readonly Socket _socket;
    private readonly byte[] _prefetch = GC.AllocateUninitializedArray<byte>(PrefetchLength);
    private ManualResetValueTaskSourceCore<ReceiveResult> _pending;
    private int _start;
    private int _end;
    private bool _waiting;
    private bool _finished;
    private long _bytesReceived;
    private bool _isReceiving;

    // How many waits go to the kernel at once before one takes a turn first, and how many that were after the last turn that was in vain.
    private int _directWaits;
    private int _directWaitsAfterMiss;
    private SocketError _error;

    public SocketReceiver(SocketTransport transport, Socket socket)
        : base(true)
    {
        _transport = transport;
        _socket = socket;
    }

    /// <summary>From any thread.</summary>
    public bool HasUnread
    {
        get
        {
            try
            {
                return Volatile.Read(ref _start) < Volatile.Read(ref _end) || _socket.Available > 0;
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Reset or released: nothing will be read any more.
                return false;
            }
        }
    }

    /// <summary>An operation is outstanding, which will tell of the peer's end. From any thread.</summary>
    public bool IsReceiving => Volatile.Read(ref _isReceiving);

    /// <summary>Handed out. From any thread.</summary>
    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>Not handed out yet; negative when that cannot be told. From any thread.</summary>
    public long BytesUnread
    {
        get
        {
            try
            {
                // The kernel first: what is taken from it meanwhile shows in the second.
                var available = _socket.Available;
                return available + Math.Max(0, Volatile.Read(ref _end) - Volatile.Read(ref _start));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Reset or released: nothing will be read any more.
                return -1;
            }
        }
    }

    public ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        if (_start < _end)
        {
            return buffer.IsEmpty ? default : new ValueTask<ReceiveResult>(Counted(TakePrefetched(buffer.Span)));
        }

        if (_error != SocketError.Success)
        {
            return buffer.IsEmpty ? default : ValueTask.FromException<ReceiveResult>(_transport.Failure(_error));
        }

        if (_finished)
        {
            return default;
        }

        _waiting = buffer.IsEmpty;
        SetBuffer(_waiting ? _prefetch : buffer);
        _pending.Reset();
        _isReceiving = true;
        if (_waiting && --_directWaits < 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return new ValueTask<ReceiveResult>(this, _pending.Version);
        }

        try
        {
            if (_socket.ReceiveAsync(this))
            {
                return new ValueTask<ReceiveResult>(this, _pending.Version);
            }
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            _isReceiving = false;
            return ValueTask.FromException<ReceiveResult>(exception is SocketException { SocketErrorCode: var error } ? _transport.Failure(error) : WireErrors.Aborted());
        }

        var received = Take(out var failure);
        return failure is null ? new ValueTask<ReceiveResult>(received) : ValueTask.FromException<ReceiveResult>(failure);
    }

    /// <summary>The turn of a wait that let the other connections go first.</summary>
    public void Execute()
    {
        // A miss, until the kernel says otherwise: once the receive waits, the next may begin at any moment, on another thread.
        _directWaits = _directWaitsAfterMiss = Math.Min((_directWaitsAfterMiss * 2) + 1, MostDirectWaits);
        try
        {
            if (_socket.ReceiveAsync(this))
            {
                return;
            }
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            _isReceiving = false;
            _pending.SetException(exception is SocketException { SocketErrorCode: var error } ? _transport.Failure(error) : WireErrors.Aborted());
            return;
        }

        _directWaitsAfterMiss = _directWaits = 0;
        Complete();
    }

    public ReceiveResult GetResult(short token) => _pending.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);

    protected override void OnCompleted(SocketAsyncEventArgs e) => Complete();

    private void Complete()
    {
        var received = Take(out var failure);
        if (failure is null)
        {
            _pending.SetResult(received);
        }
        else
        {
            _pending.SetException(failure);
        }
    }

    /// <summary>Notes what the finished operation brought, and says what its caller gets.</summary>
    private ReceiveResult Take(out Exception? failure)
    {
        failure = null;
        _isReceiving = false;
        var count = BytesTransferred;
        var error = SocketError;
        if (error == SocketError.Success && count == 0)
        {
            error = _transport.EndOfStream();
            _finished = error == SocketError.Success;
        }

        _error = error;
        if (_waiting)
        {
            _start = 0;
            _end = error == SocketError.Success ? count : 0;
            return default;
        }

        if (error != SocketError.Success)
        {
            failure = _transport.Failure(error);
            return default;
        }

        return Counted(count);
    }

    private ReceiveResult Counted(int count)
    {
        Volatile.Write(ref _bytesReceived, _bytesReceived + count);
        return new ReceiveResult { Count = count };
    }

    /// <summary>
    /// Hands out the bytes of the wait; when they filled its buffer there is probably more, which is read straight into the caller's.
    /// </summary>
    private int TakePrefetched(Span<byte> buffer)
    {
        var count = Math.Min(_end - _start, buffer.Length);
        _prefetch.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        if (_start < PrefetchLength || count == buffer.Length)
        {
            return count;
        }

        try
        {
            var more = _socket.Receive(buffer[count..], SocketFlags.None, out var error);
            if (error == SocketError.Success && more == 0)
            {
                error = _transport.EndOfStream();
                _finished = error == SocketError.Success;
            }

            if (error != SocketError.WouldBlock)
            {
                _error = error;
            }

            return count + more;
        }
        catch (ObjectDisposedException)
        {
            // Aborted meanwhile: these bytes are still good, the next receive says the rest.
            return count;
        }
    }
}
