using System.Net;

namespace SocketKit.Load.Driving;

/// <summary>A server's address that is spoken to by TLS.</summary>
internal sealed class TlsEndPoint(IPAddress address, int port) : IPEndPoint(address, port)
{
    /// <summary>Over TLS if wanted.</summary>
    public static IPEndPoint Of(IPAddress address, int port, bool tls) => tls ? new TlsEndPoint(address, port) : new IPEndPoint(address, port);
}
