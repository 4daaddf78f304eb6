using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.Sockets;

/// <summary>
/// The sending half of a <see cref="SocketTransport"/>: tries the kernel directly, which nearly always takes everything; when its buffer is
/// full, one small piece is queued to wait for room, and then the kernel is tried again. The pieces are small because the runtime completes
/// a queued send only when all of it is gone, and <see cref="BytesSent"/> has to show that the peer still reads.
/// </summary>
internal sealed class SocketSender : IValueTaskSource, IDisposable
{
    private const int PieceLength = 16 * 1024;

    private readonly SocketTransport _transport;
    private readonly Socket _socket;
    private PieceArgs? _piece;
    private ReadOnlyMemory<byte> _rest;
    private ManualResetValueTaskSourceCore<bool> _pending;
    private long _bytesSent;

    public SocketSender(SocketTransport transport, Socket socket)
    {
        _transport = transport;
        _socket = socket;
    }

    public long BytesSent => Volatile.Read(ref _bytesSent);

    public ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        if (SendDirectly(ref batch, out var failure))
        {
            return failure is null ? default : ValueTask.FromException(failure);
        }

        _rest = batch;
        _pending.Reset();
        _piece ??= new PieceArgs(this);
        if (!Continue(out failure))
        {
            return new ValueTask(this, _pending.Version);
        }

        return failure is null ? default : ValueTask.FromException(failure);
    }

    public void Dispose() => _piece?.Dispose();

    public void GetResult(short token) => _pending.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _pending.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);

    /// <summary>Gives the kernel what it takes. True: done, or failed; false: its buffer is full.</summary>
    private bool SendDirectly(ref ReadOnlyMemory<byte> batch, out Exception? failure)
    {
        failure = null;
        try
        {
            while (!batch.IsEmpty)
            {
                var count = _socket.Send(batch.Span, SocketFlags.None, out var error);
                if (error == SocketError.WouldBlock)
                {
                    return false;
                }

                if (error != SocketError.Success)
                {
                    failure = _transport.Failure(error);
                    return true;
                }

                Advance(ref batch, count);
            }
        }
        catch (ObjectDisposedException)
        {
            failure = WireErrors.Aborted();
        }

        return true;
    }

    /// <summary>
    /// Queues pieces of the rest, trying the kernel directly in between. True: done, or failed; false: a piece is queued and
    /// <see cref="PieceSent"/> goes on.
    /// </summary>
    private bool Continue(out Exception? failure)
    {
        try
        {
            do
            {
                _piece!.SetBuffer(System.Runtime.InteropServices.MemoryMarshal.AsMemory(_rest[..Math.Min(_rest.Length, PieceLength)]));
                if (_socket.SendAsync(_piece))
                {
                    failure = null;
                    return false;
                }
            }
            while (!Finish(out failure));
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            failure = exception is SocketException { SocketErrorCode: var error } ? _transport.Failure(error) : WireErrors.Aborted();
        }

        Forget();
        return true;
    }

    /// <summary>Counts the piece that is gone and tries the kernel with what follows. True: all done, or failed.</summary>
    private bool Finish(out Exception? failure)
    {
        if (_piece!.SocketError != SocketError.Success)
        {
            failure = _transport.Failure(_piece.SocketError);
            return true;
        }

        Advance(ref _rest, _piece.BytesTransferred);
        return SendDirectly(ref _rest, out failure);
    }

    private void PieceSent()
    {
        if (!Finish(out var failure) && !Continue(out failure))
        {
            return;
        }

        Forget();
        if (failure is null)
        {
            _pending.SetResult(true);
        }
        else
        {
            _pending.SetException(failure);
        }
    }

    private void Advance(ref ReadOnlyMemory<byte> batch, int count)
    {
        batch = batch[count..];
        Volatile.Write(ref _bytesSent, _bytesSent + count);
    }

    /// <summary>Drops the references to the caller's memory.</summary>
    private void Forget()
    {
        _rest = default;
        _piece!.SetBuffer(default);
    }

    private sealed class PieceArgs(SocketSender sender) : SocketAsyncEventArgs(true)
    {
        protected override void OnCompleted(SocketAsyncEventArgs e) => sender.PieceSent();
    }
}
