namespace SocketKit.AspNetCore.Pipes;

/// <summary>
/// Which step the reader's operation on the wire does, and which one is next. Guarded by the reader's lock; while a step is on the wire,
/// only the operation changes anything here, so it also reads and counts outside of the lock.
/// <code>
///   None    -> Wait, Receive, Yield   a read begins, or the end, which reads on and discards
///   Wait    -> Receive                the wire is readable
///   Receive -> Receive                the buffer was filled, so there is more: the wait would only cost a system call
///   Receive -> Wait                   it was not
///   Wait, Receive -> Yield            16 in a row never waited: others have a turn first
///   Yield   -> Wait, Receive          the turn has come
///   each of them -> None              no read waits, or the wire failed
/// </code>
/// </summary>
internal struct ReceiveSteps
{
    private const int PerTurn = 16;

    private int _inRow;
    private bool _readable;

    /// <summary><see cref="ReceiveStep.None"/>: no operation is on the wire.</summary>
    public ReceiveStep Now { get; private set; }

    public ReceiveStep Choose()
    {
        if (_inRow >= PerTurn)
        {
            _inRow = 0;
            Now = ReceiveStep.Yield;
        }
        else
        {
            Now = _readable ? ReceiveStep.Receive : ReceiveStep.Wait;
        }

        return Now;
    }

    public void Stop() => Now = ReceiveStep.None;

    /// <summary>A wait or a receive is over.</summary>
    /// <param name="readable">The next receive finds something.</param>
    public void Note(bool readable) => _readable = readable;

    /// <summary>A wait or a receive was complete at once.</summary>
    public void Count() => _inRow++;

    /// <summary>A wait or a receive has to wait, and others have a turn meanwhile.</summary>
    public void Rest() => _inRow = 0;
}

/// <summary>One step of an operation on the wire.</summary>
internal enum ReceiveStep
{
    None,

    /// <summary>Until the wire is readable, without a buffer.</summary>
    Wait,

    /// <summary>Into the buffer's free end.</summary>
    Receive,

    /// <summary>Others have a turn.</summary>
    Yield,
}
