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

    private enum Outcome
    {
        Begins,
        Done,
        Failed,
    }

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

    private void Begin()
    {
        if (Next(Outcome.Begins, out var batch))
        {
            Run(batch);
        }
    }

#pragma warning disable CA2012 // The value task is taken apart into its awaiter, which is asked once.
    private void Run(ReadOnlyMemory<byte> batch)
    {
        var outcome = Outcome.Done;
        do
        {
            try
            {
                _send = (_finishing ? _transport.CompleteOutputAsync() : _transport.SendAsync(batch)).ConfigureAwait(false).GetAwaiter();
                if (!_send.IsCompleted)
                {
                    _send.UnsafeOnCompleted(_continue);
                    return;
                }

                _send.GetResult();
            }
#pragma warning disable CA1031 // However the wire fails, the flush is completed: the application learns it from its reads.
            catch (Exception)
#pragma warning restore CA1031
            {
                outcome = Outcome.Failed;
            }
        }
        while (Next(outcome, out batch));
    }
#pragma warning restore CA2012

    private void Continue()
    {
        var outcome = Outcome.Done;
        try
        {
            _send.GetResult();
        }
#pragma warning disable CA1031 // However the wire fails, the flush is completed: the application learns it from its reads.
        catch (Exception)
#pragma warning restore CA1031
        {
            outcome = Outcome.Failed;
        }

        if (Next(outcome, out var batch))
        {
            Run(batch);
        }
    }

    /// <summary>Takes note of what became of the last step, and chooses the next one.</summary>
    /// <returns>False: there is nothing to do; the operation is over.</returns>
    private bool Next(Outcome outcome, out ReadOnlyMemory<byte> batch)
    {
        var pending = false;
        FlushResult result = default;
        TaskCompletionSource? rest = null;
        bool goesOn;
        lock (_gate)
        {
            Note(outcome);
            goesOn = TryChoose(out batch);
            if (!goesOn)
            {
                var gone = IsGone;
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
                result = new FlushResult(isCanceled: pending && !gone && TakeCancelled(), isCompleted: gone);
                rest = _rest;
            }
        }

        if (outcome == Outcome.Failed)
        {
            _owner.WireEnded();
        }

        rest?.TrySetResult();
        if (pending)
        {
            _flush.SetResult(result);
        }

        return goesOn;
    }

    private void Note(Outcome outcome)
    {
        if (outcome == Outcome.Failed)
        {
            _failed = true;
        }
        else if (outcome == Outcome.Done)
        {
            if (_finishing)
            {
                _finished = true;
            }
            else
            {
                _chain.Head!.Start += _sending;
                _sent += _sending;
            }
        }
    }

    /// <summary>Under the lock: what goes out next, if anything; nothing with <c>_finishing</c>.</summary>
    private bool TryChoose(out ReadOnlyMemory<byte> batch)
    {
        batch = default;
        if (IsGone)
        {
            return false;
        }

        if (_sent < _flushed)
        {
            var head = _chain.Head!;
            while (head.Start == head.End)
            {
                _chain.DropHead();
                head = _chain.Head!;
            }

            _sending = (int)Math.Min(head.End - head.Start, _flushed - _sent);
            batch = head.Array.AsMemory(head.Start, _sending);
            return true;
        }

        _finishing = _completed && !_finished;
        return _finishing;
    }

    /// <summary>Under the lock: all is sent, so that nothing is held, unless the caller still writes into it.</summary>
    private void Trim()
    {
        if (_chain.Head is null || _sent != _written || _lent)
        {
            return;
        }

        _chain.Adapt(_chain.Head == _chain.Tail ? _chain.Head.End : SegmentChain.Smallest);
        _chain.DropAll();
    }

    /// <summary>Under the lock: nobody will have it. No send is outstanding.</summary>
    private void DropAll()
    {
        _sent = _flushed = _written;
        while (_chain.Head is not null && !(_lent && _chain.Head == _chain.Tail))
        {
            _chain.DropHead();
        }
    }
}
