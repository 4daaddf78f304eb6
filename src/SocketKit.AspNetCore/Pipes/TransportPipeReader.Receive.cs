using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace SocketKit.AspNetCore.Pipes;

// The operation on the wire. Whoever has set _busy runs it; it ends with a read's result, when nobody waits for one any more, or at the end of the input.
//
//   wait until readable (no buffer) -> receive -> complete the read        after 16 receives in a row that never waited: let others have a turn first
internal sealed partial class TransportPipeReader
{
    private const int ReceivesPerTurn = 16;
    private const int LeastFree = 1024;

    private readonly Action _continue;
    private ConfiguredValueTaskAwaitable<ReceiveResult>.ConfiguredValueTaskAwaiter _receive;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _yield;
    private TaskCompletionSource? _rest;
    private Step _step;
    private Memory<byte> _free;
    private int _receives;
    private bool _busy;
    private bool _receiving;
    private bool _readable;
    private bool _discards;

    /// <summary>The thread on whose stack a read's continuation runs; 0: on none.</summary>
    private int _turn;

    private enum Step
    {
        Wait,
        Receive,
        Yield,
    }

    /// <summary>Completes when no operation is on the wire any more, after which the transport may be released. The reader is completed by it.</summary>
    /// <param name="discard">Reads on and throws away until the peer has finished too; else the wire has been aborted.</param>
    public Task EndAsync(bool discard)
    {
        bool start;
        lock (_gate)
        {
            _completed = true;
            _discards = discard;
            if (!_receiving)
            {
                _chain.DropAll();
            }

            if (!_busy && (!discard || _ended || _failure is not null))
            {
                return Task.CompletedTask;
            }

            _rest ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            start = !_busy;
            if (start)
            {
                _busy = true;
                TryChoose();
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
                if (_step == Step.Yield)
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
                        _receives = 0;
                        _receive.UnsafeOnCompleted(_continue);
                        return;
                    }

                    _receives++;
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
            if (_step == Step.Yield)
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

    /// <summary>Under the lock: what comes next, if anybody wants it.</summary>
    private bool TryChoose()
    {
        if (_completed ? !_discards || _ended : !_pending)
        {
            return false;
        }

        _free = default;
        _step = Step.Wait;
        if (_receives >= ReceivesPerTurn)
        {
            _receives = 0;
            _step = Step.Yield;
        }
        else if (_readable)
        {
            _step = Step.Receive;
            _receiving = true;
            _free = Room();
        }

        return true;
    }

    /// <summary>Takes what the step brought, and chooses the next one.</summary>
    /// <returns>False: the operation is over.</returns>
    private bool Finish(ReceiveResult received)
    {
        bool complete = false, ended = false, goesOn;
        ReadResult result = default;
        TaskCompletionSource? rest = null;
        lock (_gate)
        {
            if (_step == Step.Wait)
            {
                _readable = true;
            }
            else if (_step == Step.Receive)
            {
                ended = Take(received.Count);
                complete = _pending;
                if (complete)
                {
                    _pending = false;
                    result = new ReadResult(Buffered(), isCanceled: false, _ended);
                }
            }

            goesOn = TryChoose();
            if (!goesOn)
            {
                _busy = false;
                rest = _rest;
            }
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

    /// <summary>Under the lock: so many bytes are in the free end of the last segment.</summary>
    /// <returns>True: there are none, and none will come.</returns>
    private bool Take(int count)
    {
        // A full buffer means that there is more: the wait would only cost a system call.
        _readable = count == _free.Length;
        _free = default;
        _receiving = false;
        if (_completed)
        {
            _chain.DropAll();
        }
        else
        {
            _chain.Adapt(count);
            _chain.Tail!.Append(count);
            _end += count;
        }

        _ended = count == 0;
        return _ended;
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
        lock (_gate)
        {
            _receiving = _busy = false;
            _failure = PipeErrors.From(exception, _owner.AbortReason);
            (pending, _pending) = (_pending, false);
            if (_completed)
            {
                _chain.DropAll();
            }

            rest = _rest;
        }

        _owner.WireEnded();
        rest?.TrySetResult();
        if (pending)
        {
            _read.SetException(_failure);
        }
    }

    /// <summary>Under the lock: the free end of the last segment, or a new one.</summary>
    private Memory<byte> Room()
    {
        if (_chain.Tail is null || _chain.Tail.Free < LeastFree)
        {
            _start = _chain.Tail is null ? 0 : _start;
            _chain.Open(_end, LeastFree);
        }

        return _chain.Tail!.Array.AsMemory(_chain.Tail.End);
    }
}
