using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.Sockets;

/// <summary>
/// The receiving half of a <see cref="SocketTransport"/>. The wait of an empty receive is a receive into 256 bytes of its own: for small messages, waiting and receiving are then one system call, and an idle connection
/// holds no larger buffer. The next non-empty receive hands these bytes out first. What the wait ran into, the end of the stream or an error, is told by that receive too, never by the wait.
/// </summary>
internal sealed class SocketReceiver : SocketAsyncEventArgs, IValueTaskSource<Received>
{
    private const int PrefetchLength = 256;

    private readonly SocketTransport _transport;
    private readonly Socket _socket;
    private readonly byte[] _prefetch = GC.AllocateUninitializedArray<byte>(PrefetchLength);
    private ManualResetValueTaskSourceCore<Received> _pending;
    private int _start;
    private int _end;
    private bool _waiting;
    private bool _finished;
    private SocketError _error;

    public SocketReceiver(SocketTransport transport, Socket socket)
        : base(true)
    {
        _transport = transport;
        _socket = socket;
    }

    public ValueTask<Received> ReceiveAsync(Memory<byte> buffer)
    {
        if (_start < _end)
        {
            return buffer.IsEmpty ? default : new ValueTask<Received>(new Received(TakePrefetched(buffer.Span), EndOfMessage: false));
        }

        if (_error != SocketError.Success)
        {
            return buffer.IsEmpty ? default : ValueTask.FromException<Received>(_transport.Failure(_error));
        }

        if (_finished)
        {
            return default;
        }

        _waiting = buffer.IsEmpty;
        SetBuffer(_waiting ? _prefetch : buffer);
        _pending.Reset();
        try
        {
            if (_socket.ReceiveAsync(this))
            {
                return new ValueTask<Received>(this, _pending.Version);
            }
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            return ValueTask.FromException<Received>(exception is SocketException { SocketErrorCode: var error } ? _transport.Failure(error) : WireErrors.Aborted());
        }

        var received = Take(out var failure);
        return failure is null ? new ValueTask<Received>(received) : ValueTask.FromException<Received>(failure);
    }

    public Received GetResult(short token) => _pending.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);

    protected override void OnCompleted(SocketAsyncEventArgs e)
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
    private Received Take(out Exception? failure)
    {
        failure = null;
        var count = BytesTransferred;
        var error = SocketError;
        if (error == SocketError.Success && count == 0)
        {
            error = _transport.FirstFailure;
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

        return new Received(count, EndOfMessage: false);
    }

    /// <summary>Hands out the bytes of the wait; when they filled its buffer there is probably more, which is read straight into the caller's.</summary>
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
                error = _transport.FirstFailure;
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
