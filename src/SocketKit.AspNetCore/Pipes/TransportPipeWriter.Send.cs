using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace SocketKit.AspNetCore.Pipes;

// The operation on the wire. Whoever has set _busy runs it: one segment after another, until all that was flushed is sent; then, if the writer is completed, the end of the stream.
internal sealed partial class TransportPipeWriter
{
    private readonly Action _continue;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _send;
    private TaskCompletionSource? _rest;
    private int _sending;
    private bool _busy;
    private bool _finishing;
    private bool _finished;

    /// <summary>Completes the writer; the task completes when all is sent and the peer has been told, or the wire is gone: then no operation is on it any more.</summary>
    public Task EndAsync()
    {
        Complete();
        lock (_gate)
        {
            if (!_busy)
            {
                return Task.CompletedTask;
            }

            _rest ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _rest.Task;
        }
    }

    /// <summary>Sends what flushes have held back, if anything. From any thread.</summary>
    public void SendHeld()
    {
        lock (_gate)
        {
            if (_busy || _sent == _flushed)
            {
                return;
            }

            _busy = true;
        }

        Run();
    }

#pragma warning disable CA2012 // The value task is taken apart into its awaiter, which is asked once.
    private void Run()
    {
        while (Begin(out var batch))
        {
            try
            {
                _send = (_finishing ? _transport.FinishAsync() : _transport.SendAsync(batch)).ConfigureAwait(false).GetAwaiter();
                if (!_send.IsCompleted)
                {
                    _send.UnsafeOnCompleted(_continue);
                    return;
                }

                _send.GetResult();
                Finish();
            }
#pragma warning disable CA1031 // However the wire fails, the flush is completed: the application learns it from its reads.
            catch (Exception)
#pragma warning restore CA1031
            {
                Fail();
            }
        }
    }
#pragma warning restore CA2012

    private void Continue()
    {
        try
        {
            _send.GetResult();
            Finish();
        }
#pragma warning disable CA1031 // However the wire fails, the flush is completed: the application learns it from its reads.
        catch (Exception)
#pragma warning restore CA1031
        {
            Fail();
        }

        Run();
    }

    /// <returns>False: there is nothing to do; the operation is over.</returns>
    private bool Begin(out ReadOnlyMemory<byte> batch)
    {
        bool pending, gone, cancelled;
        TaskCompletionSource? rest;
        lock (_gate)
        {
            batch = default;
            gone = IsGone;
            if (!gone && _sent < _flushed)
            {
                var head = _head!;
                while (head.Start == head.End)
                {
                    DropHead();
                    head = _head!;
                }

                _sending = (int)Math.Min(head.End - head.Start, _flushed - _sent);
                batch = head.Array.AsMemory(head.Start, _sending);
                return true;
            }

            if (!gone && _completed && !_finished)
            {
                _finishing = true;
                return true;
            }

            if (gone)
            {
                DropAll();
            }
            else
            {
                Trim();
            }

            _busy = false;
            (pending, _pending) = (_pending, false);
            cancelled = pending && !gone && TakeCancelled();
            rest = _rest;
        }

        rest?.TrySetResult();
        if (pending)
        {
            _flush.SetResult(new FlushResult(cancelled, gone));
        }

        return false;
    }

    private void Finish()
    {
        lock (_gate)
        {
            if (_finishing)
            {
                _finished = true;
                return;
            }

            _head!.Start += _sending;
            _sent += _sending;
        }
    }

    private void Fail()
    {
        lock (_gate)
        {
            _failed = true;
        }

        _owner.WireEnded();
    }

    /// <summary>Under the lock: all is sent, so that nothing is held, unless the caller still writes into it.</summary>
    private void Trim()
    {
        if (_head is null || _sent != _written || _lent)
        {
            return;
        }

        _segments.Adapt(_head == _tail ? _head.End : SegmentPool.Smallest);
        while (_head is not null)
        {
            DropHead();
        }
    }

    /// <summary>Under the lock: nobody will have it. No send is outstanding.</summary>
    private void DropAll()
    {
        _sent = _flushed = _written;
        while (_head is not null && !(_lent && _head == _tail))
        {
            DropHead();
        }
    }

    private void DropHead()
    {
        var head = _head!;
        _head = head.Following;
        if (_head is null)
        {
            _tail = null;
        }

        _segments.Close(head);
    }
}
