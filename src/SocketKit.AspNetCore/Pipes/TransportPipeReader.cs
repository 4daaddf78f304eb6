using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// A <see cref="PipeReader"/> straight over <see cref="Transport.ReceiveAsync"/>: a read waits without a buffer, then receives into a
/// pooled one, and completes where the engine is. This file: what the application calls; <c>TransportPipeReader.Receive.cs</c>: the
/// operation on the wire.
/// </summary>
/// <remarks>A read and the operation on the wire are two things. The operation survives a cancelled read, and the next read joins it. The
/// lock guards the read, the buffer and the choice of the steps; only this class takes it.</remarks>
internal sealed partial class TransportPipeReader : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly Lock _lock = new();
    private readonly Transport _transport;
    private readonly IPipeOwner _owner;
    private PendingCall<ReadResult> _read;
    private ReadBuffer _buffer = new();
    private Exception? _failure;
    private bool _ended;

    public TransportPipeReader(Transport transport, IPipeOwner owner)
    {
        _transport = transport;
        _owner = owner;
        _continue = Continue;
    }

    /// <summary>Where the caller stands.</summary>
    public FlushPlace Place
    {
        get
        {
            if (Volatile.Read(ref _turn) != Environment.CurrentManagedThreadId)
            {
                return FlushPlace.Elsewhere;
            }

            // Outside of the lock: nobody else but that thread consumes meanwhile, and if somebody does, what is held back leaves a little
            // late.
            return _buffer.HasRest ? FlushPlace.InputGoesOn : FlushPlace.InputUsedUp;
        }
    }

    /// <summary>Bytes of pooled arrays that are held just now.</summary>
    internal int HeldBytes
    {
        get
        {
            lock (_lock)
            {
                return _buffer.HeldBytes;
            }
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        bool start;
        lock (_lock)
        {
            if (TryAnswerLocked(out var result, out var failure))
            {
                return failure is null ? new ValueTask<ReadResult>(result) : ValueTask.FromException<ReadResult>(failure);
            }

            _read.Begin();
            start = _steps.Now == ReceiveStep.None;
            if (start)
            {
                TryChooseLocked();
            }
        }

        var task = _read.Await(this, static (reader, token) => ((TransportPipeReader)reader!).CancelRead(token), cancellationToken);

        // Before anything is waited for: the peer may be waiting for what is held back.
        _owner.InputPauses();
        if (start)
        {
            Run();
        }

        return task;
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_lock)
        {
            if (!TryAnswerLocked(out result, out var failure))
            {
                return false;
            }

            return failure is null ? true : throw failure;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_lock)
        {
            if (_buffer.IsClosed)
            {
                throw new InvalidOperationException("The reader is completed");
            }

            _buffer.Advance(consumed, examined);
        }
    }

    /// <summary>Completes a waiting read, or else the next one. What waits on the wire goes on waiting for the next read. From any thread;
    /// the reader's continuation runs on the thread pool, not on this stack.</summary>
    public override void CancelPendingRead()
    {
        ReadResult result;
        lock (_lock)
        {
            if (!_read.TryTakeToCancel())
            {
                _read.AskToCancel();
                return;
            }

            result = new ReadResult(_buffer.Bytes, isCanceled: true, _ended);
        }

        _read.SetResult(result);
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_lock)
        {
            _buffer.Close();
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _read.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _read.OnCompleted(continuation, state, token, flags);

    private void CancelRead(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_read.TryTakeToCancel())
            {
                return;
            }
        }

        _read.SetException(new OperationCanceledException(cancellationToken));
    }

    /// <returns>True: there is an answer without waiting.</returns>
    private bool TryAnswerLocked(out ReadResult result, out Exception? failure)
    {
        result = default;
        if (_buffer.IsClosed || _read.IsPending)
        {
            throw new InvalidOperationException(_buffer.IsClosed ? "The reader is completed" : "A read is under way");
        }

        failure = _owner.AbortReason ?? _failure;
        if (failure is not null)
        {
            return true;
        }

        if (!_read.CancelAsked && !_ended && !_buffer.HasNews)
        {
            return false;
        }

        result = new ReadResult(_buffer.Bytes, _read.TakeCancelAsked(), _ended);
        return true;
    }
}
