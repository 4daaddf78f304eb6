using System.Net;
using System.Net.Sockets;

namespace SocketKit.Load.Driving;

/// <summary>One connection of the load: where its streams stand.</summary>
internal sealed class Link(int index, Socket socket) : IDisposable
{
    // From one address to one port there are some 28,000 client ports.
    private const int LinksPerAddress = 20_000;
    private const int LinuxBindAddressNoPort = 24;

    /// <summary>Its number in the order of connecting, which is the order of accepting.</summary>
    public int Index { get; } = index;

    /// <summary>Its number among the links of its thread.</summary>
    public int Place { get; set; }

    /// <summary>If it is left out of the figures.</summary>
    public bool Excluded { get; set; }

    public Socket Socket { get; } = socket;

    public int Descriptor { get; } = (int)socket.Handle;

    /// <summary>What it speaks TLS with, or null.</summary>
    public TlsLink? Tls { get; private init; }

    /// <summary>Messages that may be written and are not yet, the one half written included.</summary>
    public int Quota { get; set; }

    /// <summary>Messages written as a whole.</summary>
    public long Sent { get; set; }

    /// <summary>Bytes written of the message after those.</summary>
    public int SentOfNext { get; set; }

    /// <summary>Replies that arrived as a whole.</summary>
    public long Received { get; set; }

    /// <summary>Bytes that arrived of the reply after those.</summary>
    public int ReceivedOfNext { get; set; }

    /// <summary>When the messages in flight were sent, by number modulo its length, a power of two; in closed loop only.</summary>
    public long[] SentAt { get; set; } = [];

    /// <summary>Connects, and blocks meanwhile.</summary>
    public static Link Connect(EndPoint server, int index) => Connect(server, index, index / LinksPerAddress);

    /// <param name="address">The number of the client's address: 0 is chosen by the system.</param>
    public static Link Connect(EndPoint server, int index, int address)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            Spread(socket, server, address);
            socket.Connect(server);
            var tls = server is TlsEndPoint ? TlsLink.Connect(socket) : null;
            socket.Blocking = false;
            return new Link(index, socket) { Tls = tls };
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Tls?.Dispose();
        Socket.Dispose();
    }

    /// <summary>
    /// On the loopback network of Linux every address from 127.0.0.1 on is ours, so more connections than one has ports come from several.
    /// </summary>
    private static void Spread(Socket socket, EndPoint server, int address)
    {
        if (address > 0 && OperatingSystem.IsLinux() && server is IPEndPoint { Address: var to } && to.Equals(IPAddress.Loopback))
        {
            // The port is chosen by connect, which knows both ends, and not by bind.
            socket.SetRawSocketOption((int)SocketOptionLevel.IP, LinuxBindAddressNoPort, BitConverter.GetBytes(1));
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + address)]), 0));
        }
    }
}
