using System.Threading.Tasks.Sources;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Epoll;

// Sending. Belongs to the owner of the direction, except while the operation is parked: then to whoever claims it.
internal sealed partial class EpollSocket
{
    private Readiness _out;

    /// <summary>Made by the first send that has to wait: most connections never have one.</summary>
    private ParkedSend? _parked;
    private long _bytesSent;

    /// <summary>Bytes that the kernel has taken.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    public ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        if (TrySend(ref batch, out var failure))
        {
            return failure is null ? default : ValueTask.FromException(failure);
        }

        var parked = Park();
        parked.Rest = batch;
        while (!_out.TryPark())
        {
            if (TrySend(ref parked.Rest, out failure))
            {
                parked.Rest = default;
                return failure is null ? default : ValueTask.FromException(failure);
            }
        }

        return parked.Task;
    }

    /// <summary>Waits until a connect under way is decided; <see cref="TakeError"/> says how.</summary>
    public ValueTask WaitWritableAsync()
    {
        var parked = Park();
        return _out.TryPark() ? parked.Task : default;
    }

    private ParkedSend Park()
    {
        var parked = _parked ??= new ParkedSend();
        parked.Core.Reset();
        return parked;
    }

    /// <summary>Goes on with the parked operation, which the caller has claimed.</summary>
    private void ContinueSend()
    {
        Interleaving.Point();
        var parked = _parked!;
        do
        {
            if (TrySend(ref parked.Rest, out var failure))
            {
                parked.Rest = default;
                if (failure is null)
                {
                    parked.Core.SetResult(true);
                }
                else
                {
                    parked.Core.SetException(failure);
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

    /// <summary>A send that waits, and what is left of it.</summary>
    private sealed class ParkedSend : IValueTaskSource
    {
        public ManualResetValueTaskSourceCore<bool> Core;
        public ReadOnlyMemory<byte> Rest;

        public ValueTask Task => new(this, Core.Version);

        public void GetResult(short token) => Core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => Core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            Core.OnCompleted(continuation, state, token, flags);
    }
}
