using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.InMemory;

/// <summary>
/// The two ends of one connection and what lies between. Its lock guards the state of both ends; it is taken after the network's, never
/// before.
/// </summary>
internal sealed class InMemoryLink
{
    private readonly InMemoryNetwork _network;

    public InMemoryLink(InMemoryNetwork network, InMemoryEndPoint dialling, InMemoryEndPoint listening, bool diallingLeavesPump, bool preservesBoundaries)
    {
        _network = network;
        Dialling = new InMemoryTransport(this, network, dialling, listening, diallingLeavesPump, preservesBoundaries);
        Listening = new InMemoryTransport(this, network, listening, dialling, leavesPump: false, preservesBoundaries);
        Dialling.Attach(Listening);
        Listening.Attach(Dialling);
    }

    public Lock Lock { get; } = new();

    public InMemoryTransport Dialling { get; }

    public InMemoryTransport Listening { get; }

    /// <summary>Nothing gets through.</summary>
    public bool IsCut { get; private set; }

    public bool Touches(EndPoint endPoint) => endPoint.Equals(Dialling.LocalEndPoint) || endPoint.Equals(Listening.LocalEndPoint);

    public void Cut()
    {
        lock (Lock)
        {
            IsCut = true;
        }
    }

    public void Heal()
    {
        lock (Lock)
        {
            IsCut = false;
            Dialling.TellPeer();
            Listening.TellPeer();
        }
    }

    public void Reset()
    {
        lock (Lock)
        {
            Dialling.Fail(SocketError.ConnectionReset);
            Listening.Fail(SocketError.ConnectionReset);
        }
    }

    /// <summary>An end is released; called without the lock.</summary>
    public void Released()
    {
        lock (Lock)
        {
            if (!(Dialling.IsReleased && Listening.IsReleased))
            {
                return;
            }
        }

        _network.Forget(this);
    }
}
