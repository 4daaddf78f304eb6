using System.Runtime.CompilerServices;

namespace SocketKit.Connections;

/// <summary>
/// Who calls the handler, and what waits for it. Guarded by the connection's lock, but for the members that say otherwise. Each method
/// decides; the connection acts outside of the lock.
/// </summary>
/// <remarks>
/// As long as the handler's calls complete synchronously the receive loop makes them, with a slice of its buffer. From the first that does
/// not, a drain has the handler: the receive loop reads on and puts copies into the mailbox, and the drain, continued by the handler's
/// completion, works them off. Only the receive loop hands the handler over, only the drain gives it back, when the mailbox is empty.
/// A message that finds the mailbox full is held, parsed as it is, and the receive loop waits.
/// </remarks>
internal struct HandlerQueue
{
    private Mailbox _mailbox;
    private AsyncSignal<bool>? _signal;

    // Perhaps rewritten in place, so it must not be parsed twice.
    private StrongBox<Frame>? _held;
    private long _calls;
    private volatile bool _busy;
    private volatile bool _full;
    private WaitFor _waitsFor;

    /// <summary>What the receive loop waits for.</summary>
    internal enum WaitFor : byte
    {
        None,

        /// <summary>Until the mailbox is half empty and takes the message that is held.</summary>
        Room,

        /// <summary>Until no call runs and the mailbox is empty.</summary>
        Idle,

        /// <summary>Until the transport has taken all that was sent.</summary>
        Sent,
    }

    /// <summary>A drain has the handler. Needs no lock for the receive loop, which alone hands it over.</summary>
    public readonly bool IsBusy => _busy;

    /// <summary>Nothing is read, since the mailbox is full. Without the lock an old answer.</summary>
    public readonly bool IsFull => _full;

    /// <summary>Messages in the mailbox.</summary>
    public readonly int Count => _mailbox.Count;

    /// <summary>Messages that no call has seen, nor will.</summary>
    public int Discarded { get; private set; }

    /// <summary>How many calls have begun, with a message or for the end of the input. Any thread may read it.</summary>
    public readonly long Calls => Volatile.Read(in _calls);

    /// <summary>A message is held. The receive loop's, as are the next three.</summary>
    public bool IsHolding { get; private set; }

    /// <summary>The message that is held.</summary>
    public readonly Frame Held => _held!.Value;

    /// <summary>The message finds the mailbox full, and waits.</summary>
    public void Hold(in Frame frame)
    {
        (_held ??= new StrongBox<Frame>()).Value = frame;
        IsHolding = true;
    }

    /// <summary>The held message is delivered, or not wanted any more.</summary>
    public void LetGo() => IsHolding = false;

    /// <summary>A call begins. For whoever calls the handler; needs no lock.</summary>
    public void BeginCall() => _calls++;

    /// <summary>A call has not completed synchronously: a drain gets the handler. The receive loop's; needs no lock.</summary>
    public void HandOver() => _busy = true;

    /// <summary>Takes a copy of a message for the drain.</summary>
    /// <returns>False: the mailbox is full.</returns>
    public bool TryAdd(ReadOnlySpan<byte> message)
    {
        if (!_mailbox.HasRoomFor(message.Length))
        {
            _full = true;
            return false;
        }

        _mailbox.Add(message);
        return true;
    }

    /// <summary>A message is not delivered.</summary>
    public void Discard() => Discarded++;

    /// <summary>The drain's next message; with none it gives the handler back.</summary>
    /// <param name="message">Its array goes back to the pool.</param>
    /// <param name="wake">True: the receive loop is to be woken, see <see cref="Wake"/>.</param>
    public bool TryTake(out ArraySegment<byte> message, out bool wake)
    {
        var taken = _mailbox.TryTake(out message);
        if (!taken)
        {
            _busy = false;
        }

        wake = taken ? _waitsFor == WaitFor.Room && HasRoomForHeld : _waitsFor is WaitFor.Room or WaitFor.Idle;
        if (wake)
        {
            _waitsFor = WaitFor.None;
            _full = false;
        }

        return taken;
    }

    /// <summary>The drain has failed, and gives the handler back.</summary>
    public void GiveBack() => _busy = false;

    /// <summary>The receive loop waits.</summary>
    /// <param name="what">For what.</param>
    /// <param name="isSending">The transport has not taken all that was sent.</param>
    /// <param name="isClosing">Nothing is waited for any more.</param>
    /// <returns>Completes with the wait, on the stack of <see cref="Wake"/>.</returns>
    public ValueTask<bool> WaitAsync(WaitFor what, bool isSending, bool isClosing)
    {
        var isOver = what == WaitFor.Sent ? !isSending : !_busy || (what == WaitFor.Room && HasRoomForHeld);
        if (isOver || isClosing)
        {
            _full = false;
            return ValueTask.FromResult(true);
        }

        _waitsFor = what;
        return (_signal ??= new AsyncSignal<bool>()).Arm();
    }

    /// <summary>The transport has taken all that was sent.</summary>
    /// <returns>True: the receive loop is to be woken.</returns>
    public bool AllSent()
    {
        if (_waitsFor != WaitFor.Sent)
        {
            return false;
        }

        _waitsFor = WaitFor.None;
        return true;
    }

    /// <summary>The connection closes: what waits is discarded, and nobody waits any more.</summary>
    /// <returns>True: the receive loop is to be woken.</returns>
    public bool Close()
    {
        Discarded += _mailbox.Clear();
        _full = false;
        var wake = _waitsFor != WaitFor.None;
        _waitsFor = WaitFor.None;
        return wake;
    }

    /// <summary>Wakes the receive loop, which goes on on this stack: outside of the lock, by whoever was told to.</summary>
    public readonly void Wake() => _signal!.Set(true);

    private readonly bool HasRoomForHeld => _mailbox.IsHalfEmpty && _mailbox.HasRoomFor(_held!.Value.Length);
}
