using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.Epoll;

// Sending. Belongs to the owner of the direction, except while the operation is parked: then to whoever claims it.
internal sealed partial class EpollSocket : IValueTaskSource
{
    private Readiness _out;
    private ManualResetValueTaskSourceCore<bool> _sent;
    private ReadOnlyMemory<byte> _rest;
    private long _bytesSent;

    /// <summary>Bytes that the kernel has taken.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    public ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        if (TrySend(ref batch, out var failure))
        {
            return failure is null ? default : ValueTask.FromException(failure);
        }

        _rest = batch;
        _sent.Reset();
        while (!_out.TryPark())
        {
            if (TrySend(ref _rest, out failure))
            {
                _rest = default;
                return failure is null ? default : ValueTask.FromException(failure);
            }
        }

        return new ValueTask(this, _sent.Version);
    }

    /// <summary>Waits until a connect under way is decided; <see cref="TakeError"/> says how.</summary>
    public ValueTask WaitWritableAsync()
    {
        _sent.Reset();
        return _out.TryPark() ? new ValueTask(this, _sent.Version) : default;
    }

    void IValueTaskSource.GetResult(short token) => _sent.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _sent.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _sent.OnCompleted(continuation, state, token, flags);

    /// <summary>Goes on with the parked operation, which the caller has claimed.</summary>
    private void ContinueSend()
    {
        Interleaving.Point();
        do
        {
            if (TrySend(ref _rest, out var failure))
            {
                _rest = default;
                if (failure is null)
                {
                    _sent.SetResult(true);
                }
                else
                {
                    _sent.SetException(failure);
                }

                return;
            }
        }
        while (!_out.TryPark());
    }

    /// <summary>Gives the kernel what it takes.</summary>
    /// <returns>False: its buffer is full; park.</returns>
    private unsafe bool TrySend(ref ReadOnlyMemory<byte> batch, out Exception? failure)
    {
        failure = null;
        var full = false;
        while (!batch.IsEmpty)
        {
            if (IsAborted)
            {
                failure = WireErrors.Aborted();
                return true;
            }

            nint result;
            fixed (byte* start = batch.Span)
            {
                result = Native.Send(Descriptor.Number, start, batch.Length, Native.MessageNoSignal | Native.MessageDontWait);
            }

            Interleaving.Point();
            if (result >= 0)
            {
                full = false;
                batch = batch[(int)result..];
                Volatile.Write(ref _bytesSent, _bytesSent + result);
            }
            else if (result == -Errno.Again)
            {
                if (full)
                {
                    return false;
                }

                // The flag may be older than the full buffer: an event from here on is news, so ask once more before waiting for it.
                full = true;
                var hungUp = _out.IsHungUp;
                _out.Clear();
                if (hungUp)
                {
                    _out.ForgetHangUp();
                }

                // The next round looks for an abort, whose signal may be what was just cleared.
            }
            else if (result != -Errno.Interrupted)
            {
                failure = Failure(Errno.ToSocketError((int)-result));
                return true;
            }
        }

        return true;
    }
}
