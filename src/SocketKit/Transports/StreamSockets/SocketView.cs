using System.Net.Sockets;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// A socket of a user's own over a descriptor that it does not close, but holds: so that the descriptor's number is not another
/// connection's for as long as the view lives.
/// </summary>
internal sealed class SocketView : Socket
{
    private readonly IDisposable _hold;

    private SocketView(SafeSocketHandle handle, IDisposable hold)
        : base(handle) => _hold = hold;

    /// <summary>Makes one.</summary>
    /// <param name="number">The descriptor.</param>
    /// <param name="hold">What holds it; disposed of with the view, and when there is none.</param>
    /// <exception cref="SocketException">The descriptor is no connection's any more.</exception>
    public static SocketView Create(int number, IDisposable hold)
    {
        try
        {
            return new SocketView(new SafeSocketHandle(number, ownsHandle: false), hold);
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    /// <summary>The exception for a wire that is gone.</summary>
    public static SocketException Gone() =>
        new((int)SocketError.NotConnected, "The connection is closed: its socket cannot be had any more");

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);

        // Null: the base class has thrown out of its constructor.
        _hold?.Dispose();
    }
}
