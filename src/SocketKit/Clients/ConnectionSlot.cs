using SocketKit.Connections;

namespace SocketKit.Clients;

/// <summary>
/// The one connection of a client. Decides if a send goes to it, waits for its connect hook, or is refused. Guarded by the session's lock,
/// except for <see cref="Open"/>, which every send reads without it.
/// <code>
///   empty   -> opening   Set: the wire stands and the connect hook runs; sends are held
///   opening -> open      TryOpen: the hook has succeeded and nothing is held any more
///   opening -> empty     Release: the attempt failed; what is held fails with it
///   open    -> empty     TryLose: from the first cause of death on, although the wire may take a while yet
/// </code>
/// </summary>
internal sealed class ConnectionSlot(int heldLimit)
{
    private readonly HeldSends _held = new(heldLimit);

    // The state: at most one of them is set.
    private Connection? _opening;
    private Connection? _open;

    /// <summary>From any thread. It may have ended already, and then refuses sends itself.</summary>
    public Connection? Open => Volatile.Read(ref _open);

    /// <summary>Why there is no connection; null: there was none yet.</summary>
    public CloseReason? LastReason { get; set; }

    public void Set(Connection connection) => _opening = connection;

    /// <summary>The hook of a connection has succeeded.</summary>
    /// <param name="connection">That connection.</param>
    /// <param name="next">A send that was held: the caller sends it first, outside of the lock, and then calls this again.</param>
    /// <returns>True: the connection is open.</returns>
    public bool TryOpen(Connection connection, out HeldSend? next)
    {
        next = null;
        if (_opening != connection || _held.TryTake(out next))
        {
            return false;
        }

        _opening = null;
        Volatile.Write(ref _open, connection);
        return true;
    }

    /// <summary>Empties the slot if the connection has a reason to end.</summary>
    public bool TryLose()
    {
        if (_open is not { Reason: { } reason })
        {
            return false;
        }

        _open = null;
        LastReason = reason;
        return true;
    }

    /// <summary>The wire of a connection is released.</summary>
    /// <returns>The sends that were held for it: the caller fails them.</returns>
    public HeldSend[] Release(Connection connection, CloseReason reason)
    {
        LastReason = reason;
        if (_opening != connection)
        {
            return [];
        }

        _opening = null;
        return _held.Clear();
    }

    /// <summary>Holds a message until the connect hook has succeeded. Null: no hook runs.</summary>
    public HeldSend? TryHold(ReadOnlyMemory<byte> message, bool isRequest, RequestOptions options, CancellationToken cancellationToken) =>
        _opening is { Reason: null } ? _held.Add(message, isRequest, options, cancellationToken) : null;

    /// <summary>Why a send is refused; null: there was no connection yet.</summary>
    public CloseReason? Refusal => _opening?.Reason ?? LastReason;
}
