using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace SocketKit.Transports.Tls;

/// <summary>An SslStream that remembers why its peer was refused, and what the handshake came to.</summary>
internal sealed class TlsStream(Stream inner, ILogger logger) : SslStream(inner, leaveInnerStreamOpen: true)
{
    /// <summary>For whoever judges the peer in the middle of the handshake.</summary>
    public ILogger Logger => logger;

    /// <summary>Why the peer's certificate, or the name that it asked for, was not accepted.</summary>
    public TlsException? Refusal { get; set; }

    public TlsInfo? Info { get; private set; }

    /// <summary>
    /// Tells the peer that there is no certificate for the name that it asks for: a fatal alert, unrecognized_name (RFC 6066 section 3).
    /// </summary>
    public void SayUnknownName() => InnerStream.Write([21, 3, 3, 0, 2, 2, 112]);

    /// <summary>Notes what is asked for after the stream's end too.</summary>
    /// <param name="serverName">The name that was asked for.</param>
    /// <param name="offered">The protocols that this side offers: their texts are shared.</param>
    public void NoteInfo(string? serverName, IReadOnlyList<SslApplicationProtocol>? offered)
    {
        string? protocol = null;
        if (!NegotiatedApplicationProtocol.Protocol.IsEmpty)
        {
            protocol = offered?.FirstOrDefault(candidate => candidate == NegotiatedApplicationProtocol).ToString();
        }

        Info = new TlsInfo(SslProtocol, NegotiatedCipherSuite, protocol, string.IsNullOrEmpty(serverName) ? null : serverName, RemoteCertificate as X509Certificate2);
    }
}
