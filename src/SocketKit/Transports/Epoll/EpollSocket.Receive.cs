using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Epoll;

// Receiving. Belongs to the owner of the direction, except while the operation is parked: then to whoever claims it.
internal sealed partial class EpollSocket : IValueTaskSource<ReceiveResult>
{
    private Readiness _in;
    private ManualResetValueTaskSourceCore<ReceiveResult> _received;
    private Memory<byte> _buffer;
    private bool _finished;
    private long _bytesReceived;

    /// <summary>
    /// A receive that does not fill its buffer has emptied the kernel's. Not so on a Unix socket, which stops at what came with
    /// descriptors, nor after urgent data, at which TCP stops.
    /// </summary>
    private volatile bool _shortReadMeansEmpty;

    /// <summary>Bytes have arrived that nobody has fetched. From any thread.</summary>
    public unsafe bool HasUnread
    {
        get
        {
            if (!Descriptor.TryHold())
            {
                return false;
            }

            byte first;
            var count = Native.Receive(Descriptor.Number, &first, 1, Native.MessagePeek | Native.MessageDontWait);
            Descriptor.DangerousRelease();
            var error = count < 0 ? (int)-count : 0;
            if (error is not (0 or Errno.Again or Errno.Interrupted))
            {
                // The kernel tells it once, so whoever receives next hears it from here.
                _ = Failure(Errno.ToSocketError(error));
            }

            return count > 0;
        }
    }

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>How many they are; negative when the kernel does not say. From any thread.</summary>
    public unsafe long BytesUnread
    {
        get
        {
            if (!Descriptor.TryHold())
            {
                return -1;
            }

            var count = 0;
            var result = Native.Control(Descriptor.Number, Native.BytesToRead, &count);
            Descriptor.DangerousRelease();
            return result < 0 ? -1 : count;
        }
    }

    public ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return WaitAsync();
        }

        if (TryReceive(buffer.Span, out var count, out var failure))
        {
            return Completed(count, failure);
        }

        _buffer = buffer;
        _received.Reset();
        while (!_in.TryPark())
        {
            if (TryReceive(buffer.Span, out count, out failure))
            {
                _buffer = default;
                return Completed(count, failure);
            }
        }

        return new ValueTask<ReceiveResult>(this, _received.Version);
    }

    ReceiveResult IValueTaskSource<ReceiveResult>.GetResult(short token) => _received.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReceiveResult>.GetStatus(short token) => _received.GetStatus(token);

    void IValueTaskSource<ReceiveResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _received.OnCompleted(continuation, state, token, flags);

    /// <summary>
    /// Waits for something to receive. The flag alone may be of an event whose bytes are received already, and then the caller would wait
    /// with a buffer in its hand: so the kernel is asked, where it says more than nothing.
    /// </summary>
    private ValueTask<ReceiveResult> WaitAsync()
    {
        _buffer = default;
        _received.Reset();
        do
        {
            while (_in.MayCall)
            {
                var hungUp = _in.IsHungUp;
                _in.Clear();
                if (_finished || IsAborted || hungUp || HasUnread)
                {
                    _in.SetReady();
                    return default;
                }
            }
        }
        while (!_in.TryPark());
        return new ValueTask<ReceiveResult>(this, _received.Version);
    }

    private static ValueTask<ReceiveResult> Completed(int count, Exception? failure) =>
        failure is null ? new ValueTask<ReceiveResult>(new ReceiveResult { Count = count }) : ValueTask.FromException<ReceiveResult>(failure);

    /// <summary>Goes on with the parked operation, which the caller has claimed.</summary>
    private void ContinueReceive()
    {
        Interleaving.Point();
        if (_buffer.IsEmpty)
        {
            _received.SetResult(default);
            return;
        }

        do
        {
            if (TryReceive(_buffer.Span, out var count, out var failure))
            {
                _buffer = default;
                if (failure is null)
                {
                    _received.SetResult(new ReceiveResult { Count = count });
                }
                else
                {
                    _received.SetException(failure);
                }

                return;
            }
        }
        while (!_in.TryPark());
    }

    /// <summary>Asks the kernel, if it may have something.</summary>
    /// <returns>False: nothing is there; park.</returns>
    private unsafe bool TryReceive(Span<byte> buffer, out int count, out Exception? failure)
    {
        count = 0;
        failure = null;
        if (_finished)
        {
            return true;
        }

        while (_in.MayCall)
        {
            var hungUp = _in.IsHungUp;
            _in.Clear();
            Interleaving.Point();
            if (IsAborted)
            {
                failure = WireErrors.Aborted();
                return true;
            }

            nint result;
            fixed (byte* start = buffer)
            {
                result = Native.Receive(Descriptor.Number, start, buffer.Length, Native.MessageDontWait);
            }

            Interleaving.Point();
            if (result > 0)
            {
                if (result == buffer.Length || !_shortReadMeansEmpty)
                {
                    // There may be more. A short read means that there is not: what comes later is an event, and a hang-up is remembered.
                    _in.SetReady();
                }

                count = (int)result;
                Volatile.Write(ref _bytesReceived, _bytesReceived + count);
                return true;
            }

            if (result == 0)
            {
                return Ended(out failure);
            }

            if (result == -Errno.Interrupted)
            {
                _in.SetReady();
            }
            else if (result != -Errno.Again)
            {
                failure = Failure(Errno.ToSocketError((int)-result));
                _in.SetReady();
                return true;
            }
            else if (hungUp)
            {
                _in.ForgetHangUp();
                if (IsAborted)
                {
                    // Its signal may be what was just forgotten.
                    failure = WireErrors.Aborted();
                    return true;
                }
            }
        }

        return false;
    }

    private bool Ended(out Exception? failure)
    {
        // After a failed send the kernel shows an end, where it was a reset; and the send that has taken the error may not have come to
        // noting it.
        var first = _failure.First;
        if (first == SocketError.Success && !FinishedSending && WasReset())
        {
            first = SocketError.ConnectionReset;
        }

        failure = first == SocketError.Success ? null : Failure(first);
        _finished = failure is null;
        _in.SetReady();
        return true;
    }

    /// <summary>The connection is over in the kernel, although this side has not finished.</summary>
    private unsafe bool WasReset()
    {
        if (!Descriptor.TryHold())
        {
            return false;
        }

        byte state;
        var length = 1;
        var result = Native.GetOption(Descriptor.Number, TcpInfo.Level, TcpInfo.Option, &state, &length);
        Descriptor.DangerousRelease();
        return result == 0 && length == 1 && state == TcpInfo.Closed;
    }
}
