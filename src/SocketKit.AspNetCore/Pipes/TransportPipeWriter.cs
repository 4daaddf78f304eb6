using System.Diagnostics;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// A <see cref="PipeWriter"/> straight over <see cref="Transport.SendAsync(ReadOnlyMemory{byte})"/>: what is written lies in pooled arrays, a flush sends it, and is complete when the wire has taken all of it.
/// The answers to requests that came together leave together: <see cref="HoldBack"/> says which flushes wait, and
/// <c>TransportPipeWriter.Hold.cs</c> sends them. Once the connection is gone, writes are thrown away and
/// flushes return completed; they never throw for the wire. This file: what the application calls; <c>TransportPipeWriter.Send.cs</c>: the operation on the wire.
/// </summary>
/// <remarks>A flush and the send are two things. <c>_pending</c>: somebody awaits a flush; whoever takes it away, under the lock, completes it. <c>_busy</c>: a send is on the wire; it survives a cancelled flush, and the next flush joins it.
/// Meanwhile writes go behind it.</remarks>
internal sealed partial class TransportPipeWriter : PipeWriter, IValueTaskSource<FlushResult>
{
    /// <summary>Bytes that flushes may hold back for those that follow.</summary>
    private const int MostHeld = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly Transport _transport;
    private readonly IPipeOwner _owner;
    private ManualResetValueTaskSourceCore<FlushResult> _flush;
    private CancellationTokenRegistration _registration;

    // What is not sent yet, in order. Positions count from the connection's first byte: _sent <= _flushed <= _written.
    private SegmentChain _chain = new();
    private long _written;
    private long _flushed;
    private long _sent;

    /// <summary>Memory of the tail is in the caller's hands.</summary>
    private bool _lent;

    private bool _pending;
    private bool _cancelled;
    private bool _completed;
    private bool _failed;

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
            lock (_gate)
            {
                return _written - _flushed;
            }
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

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        lock (_gate)
        {
            ThrowIfCompleted();
            _lent = true;
            var last = _chain.Tail;
            if (last is null || last.Free < Math.Max(sizeHint, 1))
            {
                _chain.Open(_written, sizeHint);
                if (last is not null)
                {
                    // A large message: fewer, larger sends.
                    _chain.Adapt(last.End);
                }
            }

            return _chain.Tail!.Array.AsMemory(_chain.Tail.End);
        }
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        lock (_gate)
        {
            if (bytes < 0 || bytes > (_chain.Tail?.Free ?? 0))
            {
                throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More than GetMemory or GetSpan gave");
            }

            _lent = false;
            _chain.Tail?.Append(bytes);
            _written += bytes;
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
        lock (_gate)
        {
            ThrowIfCompleted();
            if (_pending)
            {
                throw new InvalidOperationException("A flush is under way");
            }

            _lent = false;
            _flushed = _written;
            if (IsGone)
            {
                if (!_busy)
                {
                    DropAll();
                }

                return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
            }

            if (_sent == _flushed)
            {
                Trim();
                return new ValueTask<FlushResult>(new FlushResult(TakeCancelled(), isCompleted: false));
            }

            if (_flushed - _sent < MostHeld)
            {
                choice = _busy ? _hold.Join(place, now) : _hold.Choose(place, now);
            }

            if (choice == HoldBack.Choice.Send)
            {
                _pending = true;
                _flush.Reset();
                _flush.RunContinuationsAsynchronously = false;
                wasCancelled = _cancelled;
                start = !_busy;
                if (start)
                {
                    _busy = true;
                    chosen = TryChoose(out batch);
                }
            }
            else
            {
                held = new FlushResult(TakeCancelled(), isCompleted: false);
            }
        }

        if (choice != HoldBack.Choice.Send)
        {
            Arrange(choice);
            return new ValueTask<FlushResult>(held);
        }

        var task = new ValueTask<FlushResult>(this, _flush.Version);
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(static (writer, token) => ((TransportPipeWriter)writer!).CancelFlush(token), this);
        }

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

    /// <summary>Completes a waiting flush, or else the next one. Nothing is lost: the send goes on. From any thread; the flush's continuation runs on the thread pool, not on this stack.</summary>
    public override void CancelPendingFlush() => CancelPendingFlush(onlyIfAskedBefore: false);

    /// <summary>Sends what is left, then the end of the stream; with an exception, aborts. Returns at once.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (exception is not null)
        {
            _owner.Abort(exception as ConnectionAbortedException ?? new ConnectionAbortedException("The application gave its output up: " + exception.Message, exception));
        }

        bool start;
        lock (_gate)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
            _lent = false;
            _flushed = _written;
            start = !_busy;
            _busy = true;
        }

        if (start)
        {
            Begin();
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        _registration.Dispose();
        _registration = default;
        return _flush.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _flush.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _flush.OnCompleted(continuation, state, token, flags);

    private void CancelPendingFlush(bool onlyIfAskedBefore)
    {
        lock (_gate)
        {
            if (onlyIfAskedBefore && !TakeCancelled())
            {
                // The flush has told of it.
                return;
            }

            if (!_pending)
            {
                _cancelled = true;
                return;
            }

            _pending = false;
            _flush.RunContinuationsAsynchronously = true;
        }

        _flush.SetResult(new FlushResult(isCanceled: true, isCompleted: false));
    }

    private void CancelFlush(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_pending)
            {
                return;
            }

            _pending = false;
            _flush.RunContinuationsAsynchronously = true;
        }

        _flush.SetException(new OperationCanceledException(cancellationToken));
    }

    private bool IsGone => _failed || _owner.AbortReason is not null;

    private bool TakeCancelled()
    {
        var cancelled = _cancelled;
        _cancelled = false;
        return cancelled;
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("The writer is completed");
        }
    }
}
