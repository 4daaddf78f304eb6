namespace SocketKit.Connections;

/// <summary>
/// What is known of a peer's end: that it has finished sending, or is gone. A receive tells it when somebody receives, the transport when
/// nobody does, since the handler waits or blocks and the mailbox is full. Made when there is something to note, or when somebody asks for
/// the token. The facts are noted by any thread and without a lock, the rest belongs to the clock.
/// </summary>
internal sealed class PeerEnd
{
    private CancellationTokenSource? _source;
    private CancellationTokenRegistration _hungUp;
    private Exception? _failure;
    private volatile bool _finished;
    private volatile bool _told;

    // The clock's: since when nothing has moved, by what, and the receive during which the failure was seen first.
    private bool _counts;
    private long _since;
    private long _progress;
    private long _calls;
    private bool _failureSeen;
    private int _receivesThen;

    public enum Verdict
    {
        None,

        /// <summary>The peer is gone, and no receive has met it.</summary>
        Gone,

        /// <summary>The peer has finished, and for the time of a half-closed connection nothing has moved.</summary>
        Over,
    }

    /// <summary>The peer has finished sending, and the clock counts.</summary>
    public bool IsFinished => _finished;

    /// <summary>What the next receive would throw.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Cancelled with the first of <see cref="Finish"/> and <see cref="Tell"/>.</summary>
    public CancellationToken Token
    {
        get
        {
            var source = Volatile.Read(ref _source);
            if (source is null)
            {
                var made = new CancellationTokenSource();
                source = Interlocked.CompareExchange(ref _source, made, null) ?? made;
            }

            // Who tells sets the flag before it looks for the source, so one of the two sees the other.
            Interlocked.MemoryBarrier();
            if (_told)
            {
                _ = source.CancelAsync();
            }

            return source.Token;
        }
    }

    /// <summary>The peer has finished sending.</summary>
    public void Finish()
    {
        _finished = true;
        Tell();
    }

    /// <summary>Takes the word of a transport that has no other way to tell.</summary>
    /// <param name="finished">Called when the token is cancelled, on whichever thread.</param>
    /// <param name="hungUp">The transport's token.</param>
    public void Watch(Action finished, CancellationToken hungUp) =>
        _hungUp = hungUp.UnsafeRegister(static finished => ((Action)finished!)(), finished);

    /// <summary>The transport is about to be released.</summary>
    public void Forget() => _hungUp.Dispose();

    /// <summary>The peer is gone.</summary>
    public void Fail(Exception exception) => Interlocked.CompareExchange(ref _failure, exception, null);

    /// <summary>Cancels the token: nothing more will come. What is registered runs on the thread pool.</summary>
    public void Tell()
    {
        if (!_told)
        {
            _told = true;
            Interlocked.MemoryBarrier();
            _ = Volatile.Read(ref _source)?.CancelAsync();
        }
    }

    /// <summary>The clock's look.</summary>
    /// <param name="facts">What the connection is doing.</param>
    /// <param name="alive">The liveness clock, in ticks of 100 ns.</param>
    /// <param name="limit">How long a half-closed connection may stand still, in the same; negative: for ever.</param>
    public Verdict Look(in Facts facts, long alive, long limit)
    {
        if (Failure is not null && !facts.IsReceiving)
        {
            // A receive that comes between two ticks still fetches what the peer sent before, and meets the failure behind it.
            if (_failureSeen && _receivesThen == facts.Receives)
            {
                return Verdict.Gone;
            }

            _failureSeen = true;
            _receivesThen = facts.Receives;
        }
        else
        {
            _failureSeen = false;
        }

        if (!_finished || limit < 0)
        {
            return Verdict.None;
        }

        // While bytes wait for the peer, the rule for slow consumers holds alone.
        if (!_counts || facts.IsSending || facts.Progress != _progress || facts.Calls != _calls)
        {
            _counts = true;
            _since = alive;
            _progress = facts.Progress;
            _calls = facts.Calls;
        }

        return alive - _since >= limit ? Verdict.Over : Verdict.None;
    }

    /// <param name="IsReceiving">A receive is under way.</param>
    /// <param name="Receives">How many have begun.</param>
    /// <param name="IsSending">Bytes wait for the peer.</param>
    /// <param name="Progress">Changes when the peer takes bytes.</param>
    /// <param name="Calls">How many calls of the handler have begun: it still works off what the peer sent.</param>
    internal readonly record struct Facts(bool IsReceiving, int Receives, bool IsSending, long Progress, long Calls);
}
