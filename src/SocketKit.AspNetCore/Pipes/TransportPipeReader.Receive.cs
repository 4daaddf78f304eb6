using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace SocketKit.AspNetCore.Pipes;

// The operation on the wire. The thread that chose its first step runs it; it ends with a read's result, when no read waits any more, or
// at the end of the input.
internal sealed partial class TransportPipeReader
{
    private readonly Action _continue;
    private ConfiguredValueTaskAwaitable<ReceiveResult>.ConfiguredValueTaskAwaiter _receive;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _yield;
    private TaskCompletionSource? _rest;
    private ReceiveSteps _steps;
    private Memory<byte> _free;

    /// <summary>The reader is completed, and reads on and discards until the peer has finished.</summary>
    private bool _discards;

    /// <summary>The thread on whose stack a read's continuation runs; 0: on none.</summary>
    private int _turn;

    /// <summary>Completes when no operation is on the wire any more, after which the transport may be released. The reader is completed by
    /// it.</summary>
    /// <param name="discard">Reads on and throws away until the peer has finished too; else the wire has been aborted.</param>
    public Task EndAsync(bool discard)
    {
        bool start;
        lock (_lock)
        {
            _buffer.Close();
            _discards = discard;
            start = _steps.Now == ReceiveStep.None;
            if (start && (!discard || _ended || _failure is not null))
            {
                return Task.CompletedTask;
            }

            _rest ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (start)
            {
                TryChooseLocked();
            }
        }

        if (start)
        {
            Run();
        }

        return _rest.Task;
    }

#pragma warning disable CA2012 // The value task is taken apart into its awaiter, which is asked once.
    /// <summary>Does the step that is chosen, and those that follow.</summary>
    private void Run()
    {
        ReceiveResult received = default;
        do
        {
            try
            {
                if (_steps.Now == ReceiveStep.Yield)
                {
                    _yield = _transport.YieldAsync().ConfigureAwait(false).GetAwaiter();
                    if (!_yield.IsCompleted)
                    {
                        _yield.UnsafeOnCompleted(_continue);
                        return;
                    }

                    _yield.GetResult();
                }
                else
                {
                    _receive = _transport.ReceiveAsync(_free).ConfigureAwait(false).GetAwaiter();
                    if (!_receive.IsCompleted)
                    {
                        _steps.Rest();
                        _receive.UnsafeOnCompleted(_continue);
                        return;
                    }

                    _steps.Count();
                    received = _receive.GetResult();
                }
            }
#pragma warning disable CA1031 // Whatever the wire throws is what the read throws.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Fail(exception);
                return;
            }
        }
        while (Finish(received));
    }
#pragma warning restore CA2012

    private void Continue()
    {
        ReceiveResult received = default;
        try
        {
            if (_steps.Now == ReceiveStep.Yield)
            {
                _yield.GetResult();
            }
            else
            {
                received = _receive.GetResult();
            }
        }
#pragma warning disable CA1031 // Whatever the wire throws is what the read throws.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
            return;
        }

        if (Finish(received))
        {
            Run();
        }
    }

    /// <summary>Chooses the next step, if a read waits or the end discards.</summary>
    private bool TryChooseLocked()
    {
        _free = default;
        if (_buffer.IsClosed ? !_discards || _ended : !_read.IsPending)
        {
            _steps.Stop();
            return false;
        }

        if (_steps.Choose() == ReceiveStep.Receive)
        {
            _free = _buffer.Lend();
        }

        return true;
    }

    /// <summary>Takes what the step brought, and chooses the next one.</summary>
    /// <returns>False: the operation is over.</returns>
    private bool Finish(ReceiveResult received)
    {
        bool complete = false, ended = false, goesOn;
        ReadResult result = default;
        TaskCompletionSource? rest;
        lock (_lock)
        {
            if (_steps.Now == ReceiveStep.Wait)
            {
                _steps.Note(readable: true);
            }
            else if (_steps.Now == ReceiveStep.Receive)
            {
                _steps.Note(readable: received.Count == _free.Length);
                _buffer.Commit(received.Count);
                ended = _ended = received.Count == 0;
                complete = _read.TryTake();
                if (complete)
                {
                    result = new ReadResult(_buffer.Bytes, isCanceled: false, _ended);
                }
            }

            goesOn = TryChooseLocked();
            rest = goesOn ? null : _rest;
        }

        if (ended)
        {
            _owner.WireEnded();
        }

        if (complete)
        {
            Complete(result);
        }

        rest?.TrySetResult();
        return goesOn;
    }

    /// <summary>Completes the read: its continuation runs here.</summary>
    private void Complete(ReadResult result)
    {
        var me = Environment.CurrentManagedThreadId;
        if (_turn == me)
        {
            // A read that the continuation has just begun, further down this stack: its caller finds it complete.
            _read.SetResult(result);
            return;
        }

        _turn = me;
        try
        {
            _read.SetResult(result);
        }
        finally
        {
            // The continuation may have moved on to other threads, and a later read's runs on one of them.
            Interlocked.CompareExchange(ref _turn, 0, me);
            _owner.InputPauses();
        }
    }

    private void Fail(Exception exception)
    {
        bool pending;
        TaskCompletionSource? rest;
        lock (_lock)
        {
            _steps.Stop();
            _buffer.TakeBack();
            _failure = PipeErrors.From(exception, _owner.AbortReason);
            pending = _read.TryTake();
            rest = _rest;
        }

        _owner.WireEnded();
        rest?.TrySetResult();
        if (pending)
        {
            _read.SetException(_failure);
        }
    }
}
