using System.Diagnostics;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// A <see cref="PipeWriter"/> straight over <see cref="Transport.SendAsync(ReadOnlyMemory{byte})"/>: what is written lies in pooled arrays,
/// a flush sends it, and is complete when the wire has taken all of it. The answers to requests that came together leave together:
/// <see cref="HoldBack"/> says which flushes wait, and <c>TransportPipeWriter.Hold.cs</c> sends them. Once the connection is gone, writes
/// are thrown away and flushes return completed; they never throw for the wire. This file: what the application calls;
/// <c>TransportPipeWriter.Send.cs</c>: the operation on the wire.
/// </summary>
/// <remarks>A flush and the send are two things. The send survives a cancelled flush, and the next flush joins it. Meanwhile writes go
/// behind it. The lock guards the flush, the buffer, the hold-back and the choice of the steps; only this class takes it.</remarks>
internal sealed partial class TransportPipeWriter : PipeWriter, IValueTaskSource<FlushResult>
{
    /// <summary>Bytes that flushes may hold back for those that follow.</summary>
    private const int MostHeld = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly Transport _transport;
    private readonly IPipeOwner _owner;
    private PendingCall<FlushResult> _flush;
    private WriteBuffer _buffer = new();
    private bool _completed;

    public TransportPipeWriter(Transport transport, IPipeOwner owner)
    {
        _transport = transport;
        _owner = owner;
        _continue = Continue;
        _turn = Turn;
    }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes
    {
        get
        {
            lock (_lock)
            {
                return _buffer.Unflushed;
            }
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

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        lock (_lock)
        {
            ThrowIfCompleted();
            return _buffer.Lend(sizeHint);
        }
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        lock (_lock)
        {
            if (!_buffer.TryAppend(bytes))
            {
                throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More than GetMemory or GetSpan gave");
            }
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        var place = _owner.FlushPlace;
        var now = place == FlushPlace.Elsewhere ? Stopwatch.GetTimestamp() : 0;
        var choice = HoldBack.Choice.Send;
        FlushResult held = default;
        bool start = false, wasCancelled = false, chosen = false;
        ReadOnlyMemory<byte> batch = default;
        lock (_lock)
        {
            ThrowIfCompleted();
            if (_flush.IsPending)
            {
                throw new InvalidOperationException("A flush is under way");
            }

            _buffer.Flush();
            if (IsGone)
            {
                if (_step == SendStep.None)
                {
                    _buffer.DropAll();
                }

                return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
            }

            if (_buffer.Unsent == 0)
            {
                _buffer.Trim();
                return new ValueTask<FlushResult>(new FlushResult(_flush.TakeCancelAsked(), isCompleted: false));
            }

            if (_buffer.Unsent < MostHeld)
            {
                choice = _step == SendStep.None ? _hold.Choose(place, now) : _hold.Join(place, now);
            }

            if (choice == HoldBack.Choice.Send)
            {
                _flush.Begin();
                wasCancelled = _flush.CancelAsked;
                start = TryClaimLocked();
                chosen = start && TryChooseLocked(out batch);
            }
            else
            {
                held = new FlushResult(_flush.TakeCancelAsked(), isCompleted: false);
            }
        }

        if (choice != HoldBack.Choice.Send)
        {
            Arrange(choice);
            return new ValueTask<FlushResult>(held);
        }

        var task = _flush.Await(this, static (writer, token) => ((TransportPipeWriter)writer!).CancelFlush(token), cancellationToken);
        if (chosen)
        {
            Run(batch);
        }
        else if (start)
        {
            // Aborted just now.
            Begin();
        }

        if (wasCancelled)
        {
            CancelPendingFlush(onlyIfAskedBefore: true);
        }

        return task;
    }

    /// <summary>Completes a waiting flush, or else the next one. Nothing is lost: the send goes on. From any thread; the flush's
    /// continuation runs on the thread pool, not on this stack.</summary>
    public override void CancelPendingFlush() => CancelPendingFlush(onlyIfAskedBefore: false);

    /// <summary>Sends what is left, then the end of the stream; with an exception, aborts. Returns at once.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (exception is not null)
        {
            _owner.Abort(exception as ConnectionAbortedException
                ?? new ConnectionAbortedException("The application gave its output up: " + exception.Message, exception));
        }

        bool start;
        lock (_lock)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
            _buffer.Flush();
            start = TryClaimLocked();
        }

        if (start)
        {
            Begin();
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _flush.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _flush.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _flush.OnCompleted(continuation, state, token, flags);

    private void CancelPendingFlush(bool onlyIfAskedBefore)
    {
        lock (_lock)
        {
            if (onlyIfAskedBefore && !_flush.TakeCancelAsked())
            {
                // The flush has told of it.
                return;
            }

            if (!_flush.TryTakeToCancel())
            {
                _flush.AskToCancel();
                return;
            }
        }

        _flush.SetResult(new FlushResult(isCanceled: true, isCompleted: false));
    }

    private void CancelFlush(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_flush.TryTakeToCancel())
            {
                return;
            }
        }

        _flush.SetException(new OperationCanceledException(cancellationToken));
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("The writer is completed");
        }
    }
}
