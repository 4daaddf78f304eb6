using System.Net.Sockets;

namespace SocketKit;

/// <summary>
/// The first failure of either verb of a socket. The kernel tells a reset once, to the verb that asks first; the other sees the end of the
/// stream or a broken pipe. So the first is kept for both.
/// </summary>
internal struct WireFailure
{
    private int _first;

    /// <summary><see cref="SocketError.Success"/>: none yet.</summary>
    public readonly SocketError First => (SocketError)Volatile.Read(in _first);

    /// <summary>The exception for an error of either verb.</summary>
    public Exception Note(SocketError error, bool aborted)
    {
        if (aborted || error == SocketError.OperationAborted)
        {
            return WireErrors.Aborted();
        }

        if (error is not (SocketError.Shutdown or SocketError.NotConnected))
        {
            Interlocked.CompareExchange(ref _first, (int)error, (int)SocketError.Success);
        }

        var first = First;
        return WireErrors.From(first == SocketError.Success ? error : first);
    }
}
