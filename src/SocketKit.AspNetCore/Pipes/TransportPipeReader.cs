using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// A <see cref="PipeReader"/> straight over <see cref="Transport.ReceiveAsync"/>: a read waits without a buffer, then receives into a pooled one, and completes where the engine is. This file: what the application calls;
/// <c>TransportPipeReader.Receive.cs</c>: the operation on the wire.
/// </summary>
/// <remarks>A read and the operation on the wire are two things. <c>_pending</c>: somebody awaits a read; whoever takes it away, under the lock, completes it. <c>_busy</c>: an operation is on the wire; it survives a cancelled read, and the next
/// read joins it.</remarks>
internal sealed partial class TransportPipeReader : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly Lock _gate = new();
    private readonly Transport _transport;
    private readonly IPipeOwner _owner;
    private ManualResetValueTaskSourceCore<ReadResult> _read;
    private CancellationTokenRegistration _registration;

    // What has arrived and is not consumed: from _start in its first array to its end. Positions count from the connection's first byte.
    private SegmentChain _chain = new();
    private int _start;
    private long _end;
    private long _examined;

    private Exception? _failure;
    private bool _ended;
    private bool _pending;
    private bool _cancelled;
    private bool _completed;

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

            // Outside of the lock: nobody else but that thread consumes meanwhile, and if somebody does, what is held back leaves a little late.
            return _chain.Head is { } head && (head.Following is not null || _start < head.End)
                ? FlushPlace.InputGoesOn
                : FlushPlace.InputUsedUp;
        }
    }

    /// <summary>Bytes of pooled arrays that are held just now.</summary>
    internal int HeldBytes
    {
        get
        {
            lock (_gate)
            {
                return _chain.HeldBytes;
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
        lock (_gate)
        {
            if (TryTake(out var result, out var failure))
            {
                return failure is null ? new ValueTask<ReadResult>(result) : ValueTask.FromException<ReadResult>(failure);
            }

            _pending = true;
            _read.Reset();
            _read.RunContinuationsAsynchronously = false;
            start = !_busy;
            if (start)
            {
                _busy = true;
                TryChoose();
            }
        }

        var task = new ValueTask<ReadResult>(this, _read.Version);
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(static (reader, token) => ((TransportPipeReader)reader!).CancelRead(token), this);
        }

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
        lock (_gate)
        {
            if (!TryTake(out result, out var failure))
            {
                return false;
            }

            return failure is null ? true : throw failure;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_gate)
        {
            if (_completed)
            {
                throw new InvalidOperationException("The reader is completed");
            }

            if (examined.GetObject() is BufferSegment seen)
            {
                _examined = Math.Max(_examined, seen.RunningIndex + examined.GetInteger());
            }

            if (consumed.GetObject() is not BufferSegment last)
            {
                return;
            }

            while (_chain.Head != last)
            {
                _chain.DropHead();
            }

            _start = consumed.GetInteger();
            _examined = Math.Max(_examined, last.RunningIndex + _start);
            if (_start == last.End)
            {
                // What a receive is writing into stays.
                if (last != _chain.Tail)
                {
                    _chain.DropHead();
                    _start = 0;
                }
                else if (!_receiving)
                {
                    _chain.DropAll();
                }
            }
        }
    }

    /// <summary>Completes a waiting read, or else the next one. What waits on the wire goes on waiting for the next read. From any thread; the reader's continuation runs on the thread pool, not on this stack.</summary>
    public override void CancelPendingRead()
    {
        ReadResult result;
        lock (_gate)
        {
            if (!_pending)
            {
                _cancelled = true;
                return;
            }

            _pending = false;
            _read.RunContinuationsAsynchronously = true;
            result = new ReadResult(Buffered(), isCanceled: true, _ended);
        }

        _read.SetResult(result);
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_gate)
        {
            _completed = true;
            if (!_receiving)
            {
                _chain.DropAll();
            }
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _registration.Dispose();
        _registration = default;
        return _read.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _read.OnCompleted(continuation, state, token, flags);

    private void CancelRead(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_pending)
            {
                return;
            }

            _pending = false;
            _read.RunContinuationsAsynchronously = true;
        }

        _read.SetException(new OperationCanceledException(cancellationToken));
    }

    /// <summary>Under the lock. True: there is an answer without waiting.</summary>
    private bool TryTake(out ReadResult result, out Exception? failure)
    {
        result = default;
        if (_completed || _pending)
        {
            throw new InvalidOperationException(_completed ? "The reader is completed" : "A read is under way");
        }

        failure = _owner.AbortReason ?? _failure;
        if (failure is not null)
        {
            return true;
        }

        if (!_cancelled && !_ended && _end <= _examined)
        {
            return false;
        }

        result = new ReadResult(Buffered(), _cancelled, _ended);
        _cancelled = false;
        return true;
    }

    private ReadOnlySequence<byte> Buffered() =>
        _chain is { Head: { } head, Tail: { } tail } ? new ReadOnlySequence<byte>(head, _start, tail, tail.End) : ReadOnlySequence<byte>.Empty;
}
