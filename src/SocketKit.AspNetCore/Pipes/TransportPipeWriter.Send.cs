using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace SocketKit.AspNetCore.Pipes;

// The operation on the wire. The thread that claimed it runs it: one batch after another, until all that was flushed is sent; then, if the
// writer is completed, the end of the stream.
//
//   None        -> Claimed       a flush, a completion, or the end of a wait; the claimer begins outside of the lock
//   Claimed     -> Send, Finish  there is something to send, or the end of the stream to tell
//   Send        -> Send, Finish
//   each of them -> None         nothing is left to do, or the connection is gone
internal sealed partial class TransportPipeWriter
{
    private readonly Action _continue;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _send;
    private TaskCompletionSource? _rest;
    private SendStep _step;
    private WireEnd _wire;

    private enum SendStep
    {
        None,
        Claimed,
        Send,
        Finish,
    }

    /// <summary>Open -> Finished: the peer has been told that nothing follows. Open -> Failed: a step failed.</summary>
    private enum WireEnd
    {
        Open,
        Finished,
        Failed,
    }

    private bool IsGone => _wire == WireEnd.Failed || _owner.AbortReason is not null;

    /// <summary>Completes the writer; the task completes when all is sent and the peer has been told, or the wire is gone: then no
    /// operation is on it any more.</summary>
    public Task EndAsync()
    {
        Complete();
        lock (_lock)
        {
            if (_step == SendStep.None)
            {
                return Task.CompletedTask;
            }

            _rest ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _rest.Task;
        }
    }

    private void Begin()
    {
        if (Next(failed: false, out var batch))
        {
            Run(batch);
        }
    }

#pragma warning disable CA2012 // The value task is taken apart into its awaiter, which is asked once.
    private void Run(ReadOnlyMemory<byte> batch)
    {
        var failed = false;
        do
        {
            try
            {
                var sent = _step == SendStep.Finish ? _transport.CompleteOutputAsync() : _transport.SendAsync(batch);
                _send = sent.ConfigureAwait(false).GetAwaiter();
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
                failed = true;
            }
        }
        while (Next(failed, out batch));
    }
#pragma warning restore CA2012

    private void Continue()
    {
        var failed = false;
        try
        {
            _send.GetResult();
        }
#pragma warning disable CA1031 // However the wire fails, the flush is completed: the application learns it from its reads.
        catch (Exception)
#pragma warning restore CA1031
        {
            failed = true;
        }

        if (Next(failed, out var batch))
        {
            Run(batch);
        }
    }

    /// <summary>Notes the outcome of the last step, and chooses the next one.</summary>
    /// <returns>False: there is nothing to do; the operation is over.</returns>
    private bool Next(bool failed, out ReadOnlyMemory<byte> batch)
    {
        var pending = false;
        FlushResult result = default;
        TaskCompletionSource? rest = null;
        bool goesOn;
        lock (_lock)
        {
            NoteLocked(failed);
            goesOn = TryChooseLocked(out batch);
            if (!goesOn)
            {
                var gone = IsGone;
                if (gone)
                {
                    _buffer.DropAll();
                }
                else
                {
                    _buffer.Trim();
                }

                _step = SendStep.None;
                pending = _flush.TryTake();
                result = new FlushResult(isCanceled: pending && !gone && _flush.TakeCancelAsked(), isCompleted: gone);
                rest = _rest;
            }
        }

        if (failed)
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

    /// <returns>False: the operation is running already.</returns>
    private bool TryClaimLocked()
    {
        if (_step != SendStep.None)
        {
            return false;
        }

        _step = SendStep.Claimed;
        return true;
    }

    private void NoteLocked(bool failed)
    {
        if (failed)
        {
            _wire = WireEnd.Failed;
        }
        else if (_step == SendStep.Send)
        {
            _buffer.Sent();
        }
        else if (_step == SendStep.Finish)
        {
            _wire = WireEnd.Finished;
        }
    }

    /// <summary>Chooses what goes out next, if anything.</summary>
    /// <param name="batch">Empty for the end of the stream.</param>
    private bool TryChooseLocked(out ReadOnlyMemory<byte> batch)
    {
        batch = default;
        if (IsGone)
        {
            return false;
        }

        if (_buffer.Unsent > 0)
        {
            _step = SendStep.Send;
            batch = _buffer.Take();
            return true;
        }

        if (!_completed || _wire == WireEnd.Finished)
        {
            return false;
        }

        _step = SendStep.Finish;
        return true;
    }
}
