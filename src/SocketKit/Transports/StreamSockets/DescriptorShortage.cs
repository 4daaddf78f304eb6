using System.Net.Sockets;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// A listener's shortage of descriptors. While only the reserve of the process is left (<see cref="Descriptors"/>), no newcomer is
/// accepted, and an accept fails only when a newcomer is waiting: otherwise the failure would last until the next one comes. Not
/// thread-safe; a listener has one accept at a time.
/// </summary>
internal sealed class DescriptorShortage
{
    /// <summary>The last newcomer got one of the descriptors in reserve, or there was none for it.</summary>
    private bool _isShort;

    /// <summary>Called before each accept. False: descriptors are short, and no newcomer is waiting.</summary>
    /// <param name="listening">The listening socket.</param>
    /// <param name="time">How long to wait for a newcomer while descriptors are short.</param>
    /// <exception cref="SocketException">A newcomer is waiting, and descriptors are still short.</exception>
    public bool MayAccept(Socket listening, TimeSpan time)
    {
        if (!_isShort)
        {
            return true;
        }

        if (!listening.Poll(time, SelectMode.SelectRead))
        {
            return false;
        }

        if (Descriptors.AreStillShort())
        {
            throw WireErrors.From(SocketError.TooManyOpenSockets);
        }

        return true;
    }

    /// <summary>Notes the descriptor of a newcomer.</summary>
    public void Accepted(nint newest) => _isShort = Descriptors.AreShort(newest);

    /// <summary>Notes that the system had no descriptor for an accept, which it says even when no newcomer is waiting.</summary>
    /// <returns>True: ask <see cref="MayAccept"/> again, which looks for a newcomer. False: it did, so the accept has failed.</returns>
    public bool Begins()
    {
        var begins = !_isShort;
        _isShort = true;
        return begins;
    }
}
