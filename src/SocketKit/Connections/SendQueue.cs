namespace SocketKit.Connections;

/// <summary>
/// What waits to be sent, who sends it, and who waits for that: the cork, the flusher's role, back-pressure and the end of the output.
/// Guarded by the connection's lock, but for the members that say otherwise. Each method decides; the connection acts outside of the lock.
/// </summary>
/// <remarks>
/// <para>
/// Whoever is given the flusher's role owns the transport's sending end until it gives the role back: it takes batch after batch, and when
/// nothing is left, sends the end if that is due.
/// </para>
/// <para>The end of the output:</para>
/// <code>
/// Open -> EndDue -> Ending -> Ended
///    \        \         \        \--> Lost
///     \        \         \----------> Lost
///      \        \-------------------> Lost
///       \---------------------------> Lost
/// </code>
/// <para>An abort after the end is sent finds nothing queued.</para>
/// </remarks>
internal struct SendQueue(Transport transport, ConnectionSettings settings)
{
    /// <summary>In place of a thread: what is sent goes out at once.</summary>
    public const int Uncorkable = -1;

    private readonly Transport _transport = transport;
    private readonly ConnectionSettings _settings = settings;
    private readonly SendBuffer _buffer = new();
    private TaskCompletionSource? _room;

    /// <summary>The transport's count when the batch on the wire began.</summary>
    private long _batchBegan;
    private int _batchLength;

    /// <summary>The thread whose sends wait for the end of its batch, or 0.</summary>
    private int _corkedThread;

    /// <summary>A call of the batch takes long, so its sends do not wait any more.</summary>
    private bool _corkLifted;

    /// <summary>Somebody has the flusher's role.</summary>
    private bool _flushing;
    private OutputEnd _end;

    internal enum Appended
    {
        /// <summary>It goes out with the batch, or with the flush under way.</summary>
        Queued,

        /// <summary>The caller has become the flusher.</summary>
        Flush,

        /// <summary>Too much is queued already: nothing was added, and the connection must close.</summary>
        Overflow,
    }

    private enum OutputEnd : byte
    {
        Open,

        /// <summary>The flusher sends the end of the stream when nothing is left.</summary>
        EndDue,

        /// <summary>It does.</summary>
        Ending,

        /// <summary>The end is sent.</summary>
        Ended,

        /// <summary>The connection was aborted: what was queued is gone.</summary>
        Lost,
    }

    /// <summary>Each frame is a message of the transport. Known once the transport is open.</summary>
    public readonly bool PreservesBoundaries => _buffer.PreservesBoundaries;

    /// <summary>Messages of the batch that was taken last. The flusher's.</summary>
    public readonly int MessagesTaken => _buffer.MessagesTaken;

    /// <summary>Where each message of that batch ends. The flusher's.</summary>
    public readonly ReadOnlyMemory<int> EndsTaken => _buffer.EndsTaken;

    /// <summary>Rented arrays.</summary>
    public readonly int Arrays => _buffer.Arrays;

    /// <summary>The length of the batch on the wire. The flusher's.</summary>
    public readonly int BatchLength => _batchLength;

    /// <summary>Somebody has the flusher's role. Without the lock an old answer.</summary>
    public readonly bool IsFlushing => Volatile.Read(in _flushing);

    /// <summary>The transport has not taken all that was sent.</summary>
    public readonly bool IsSending => _flushing || !_buffer.IsEmpty;

    /// <summary>Some thread's sends wait for the end of its batch. Without the lock an old answer.</summary>
    public readonly bool IsCorked => Volatile.Read(in _corkedThread) != 0;

    /// <summary>All is sent, or lost.</summary>
    public readonly bool IsOver => _end is OutputEnd.Ended or OutputEnd.Lost;

    /// <summary>How many accepted bytes the transport had not taken when the output was lost.</summary>
    public long UnsentBytes { get; private set; }

    /// <summary>Accepted and not yet taken by the transport.</summary>
    public readonly long Queued => _buffer.Length + (_flushing ? _batchLength - TakenOfBatch : 0);

    /// <summary>Too little is queued for anybody to wait. Without the lock an old answer means one look more, or one wait less.</summary>
    public readonly bool HasRoom => (long)_buffer.Length + Volatile.Read(in _batchLength) <= ConnectionSettings.HighWaterMark;

    /// <summary>
    /// More is queued than a sender may leave behind. What this thread's own batch has gathered does not count: it goes out when the batch
    /// ends, or grows too long.
    /// </summary>
    public readonly bool IsFull =>
        Queued > ConnectionSettings.HighWaterMark && (_flushing || !HoldsBack(Environment.CurrentManagedThreadId));

    /// <summary>
    /// What the transport has taken. It is asked in the middle of the accounts, so one of somebody else's that throws counts as if it had
    /// taken nothing of this batch.
    /// </summary>
    public readonly long BytesTaken
    {
        get
        {
            try
            {
                return _transport.BytesSent;
            }
#pragma warning disable CA1031 // See above.
            catch (Exception)
#pragma warning restore CA1031
            {
                return _batchBegan;
            }
        }
    }

    /// <summary>What the transport has taken of the batch on the wire. The flusher's.</summary>
    public readonly long TakenOfBatch => Math.Clamp(BytesTaken - _batchBegan, 0, _batchLength);

    /// <summary>From now on each frame is a message of the transport. Before the first frame.</summary>
    public readonly void PreserveBoundaries() => _buffer.PreserveBoundaries();

    /// <summary>Frames a message. A framer that throws leaves nothing behind.</summary>
    /// <param name="message">The message.</param>
    /// <param name="me">The thread that sends, whose cork holds; or <see cref="Uncorkable"/>.</param>
    public Appended Append(ReadOnlySpan<byte> message, int me)
    {
        var mark = _buffer.Mark();
        Write(message, mark);
        return Seal(mark, me);
    }

    /// <summary>Adds a message that is framed already.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="me">As for <see cref="Append"/>.</param>
    public Appended AppendFramed(ReadOnlySpan<byte> frame, int me)
    {
        if (!_buffer.CanTake(frame.Length))
        {
            return Appended.Overflow;
        }

        var mark = _buffer.Mark();
        frame.CopyTo(_buffer.GetSpan(frame.Length));
        _buffer.Advance(frame.Length);
        return Seal(mark, me);
    }

    /// <summary>Frames a message behind what was queued, whatever the limit. The flusher's, which takes it next.</summary>
    public readonly void AppendForFlusher(ReadOnlySpan<byte> message)
    {
        Write(message, _buffer.Mark());
        _buffer.Seal();
    }

    /// <summary>Begins a batch of inline handler calls: this thread's sends wait for its end.</summary>
    public void Cork(int me)
    {
        _corkedThread = me;
        _corkLifted = false;
    }

    /// <summary>This thread is in a batch. Needs no lock: only a thread itself corks itself.</summary>
    public readonly bool IsCorkedBy(int me) => _corkedThread == me;

    /// <summary>Ends the thread's batch.</summary>
    /// <returns>True: the caller has become the flusher, and has its first batch; taken here, it costs no second section.</returns>
    public bool TryUncork(int me, out ReadOnlyMemory<byte> batch)
    {
        batch = default;
        if (_corkedThread != me)
        {
            return false;
        }

        _corkedThread = 0;
        _corkLifted = false;
        if (_flushing || !TryTake(out batch))
        {
            return false;
        }

        _flushing = true;
        return true;
    }

    /// <summary>A batch is under way that may take long: what it has gathered goes out now.</summary>
    /// <param name="lifts">Its further sends go out at once, too.</param>
    /// <param name="flushes">The caller becomes the flusher, if something waits.</param>
    /// <returns>True: something waits, and nobody else flushes.</returns>
    public bool TryLiftCork(bool lifts, bool flushes)
    {
        if (_corkedThread == 0)
        {
            return false;
        }

        _corkLifted |= lifts;
        if (_flushing || _buffer.IsEmpty)
        {
            return false;
        }

        _flushing = flushes;
        return true;
    }

    /// <summary>Takes the next batch. The flusher's, or for who becomes it.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> batch)
    {
        // The last batch is taken whole; where the transport cannot say so, this is what is known of its count.
        _batchBegan += _batchLength;
        _batchLength = 0;
        batch = default;
        if (_end == OutputEnd.Lost || !_buffer.TryTake(out batch))
        {
            return false;
        }

        _batchLength = batch.Length;
        _batchBegan = BytesTaken;
        return true;
    }

    /// <summary>The flusher has found nothing left, and gives the role back.</summary>
    /// <returns>True: not yet, the end of the stream is to be sent first.</returns>
    public bool EndFlush()
    {
        _flushing = _end == OutputEnd.EndDue;
        if (_flushing)
        {
            _end = OutputEnd.Ending;
        }

        return _flushing;
    }

    /// <summary>A graceful close: the end of the stream goes out behind what is queued.</summary>
    /// <returns>True: the caller has become the flusher.</returns>
    public bool EndWhenEmpty()
    {
        if (_end == OutputEnd.Open)
        {
            _end = OutputEnd.EndDue;
        }

        var wasFlushing = _flushing;
        _flushing = true;
        return !wasFlushing;
    }

    /// <summary>The end of the stream is sent; the flusher gives the role back.</summary>
    public void Ended()
    {
        _flushing = false;
        if (_end == OutputEnd.Ending)
        {
            _end = OutputEnd.Ended;
        }
    }

    /// <summary>The transport has failed; the flusher gives the role back. An abort follows.</summary>
    public void FlushFailed()
    {
        NoteUnsent();
        _batchLength = 0;
        _flushing = false;
    }

    /// <summary>An abort: drops what is queued, and counts it.</summary>
    /// <returns>Who waits for room, to be told; or null.</returns>
    public TaskCompletionSource? Lose()
    {
        NoteUnsent();
        _end = OutputEnd.Lost;
        _buffer.Clear();
        (var room, _room) = (_room, null);
        return room;
    }

    /// <summary>Gives all arrays back; the transport is released.</summary>
    public readonly void Release() => _buffer.Release();

    /// <summary>A sender waits until the queue is well below the high-water mark again. Null: it need not.</summary>
    public Task? WaitForRoom() => IsFull
        ? (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task
        : null;

    /// <summary>The flusher's, behind each batch.</summary>
    /// <returns>Who waits for room that is there now; or null.</returns>
    public TaskCompletionSource? TakeRoom()
    {
        if (_room is null || (long)_buffer.Length + _batchLength > ConnectionSettings.HighWaterMark / 2)
        {
            return null;
        }

        (var room, _room) = (_room, null);
        return room;
    }

    /// <summary>Sends of this thread wait for the end of its batch.</summary>
    private readonly bool HoldsBack(int me) => _corkedThread == me && !_corkLifted;

    private readonly void Write(ReadOnlySpan<byte> message, int mark)
    {
        try
        {
            _settings.Framer.Write(message, _buffer);
        }
        catch
        {
            _buffer.CutBack(mark);
            throw;
        }
    }

    /// <summary>Accepts what was written since the mark, or cuts it back when too much is queued.</summary>
    private Appended Seal(int mark, int me)
    {
        // The cheap look first: the exact one asks the transport.
        var most = _settings.MaxQueuedBytes;
        if ((long)_buffer.Length + _batchLength > most && Queued is var queued && queued > most && queued > _buffer.Length - mark)
        {
            _buffer.CutBack(mark);
            return Appended.Overflow;
        }

        _buffer.Seal();
        if (_flushing || (HoldsBack(me) && _buffer.Length <= _settings.CorkLimit))
        {
            return Appended.Queued;
        }

        _flushing = true;
        return Appended.Flush;
    }

    private void NoteUnsent() => UnsentBytes = Math.Max(UnsentBytes, Queued);
}
