using System.Diagnostics;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit;

/// <summary>What the TLS handshake of a connection came to. Immutable, and still told after the connection's end.</summary>
[DebuggerDisplay("{DebuggerText,nq}")]
public sealed class TlsInfo
{
    /// <summary>Makes one; the library does, and a test's double may.</summary>
    /// <param name="protocol">See <see cref="Protocol"/>.</param>
    /// <param name="cipherSuite">See <see cref="CipherSuite"/>.</param>
    /// <param name="applicationProtocol">See <see cref="ApplicationProtocol"/>.</param>
    /// <param name="serverName">See <see cref="ServerName"/>.</param>
    /// <param name="peerCertificate">See <see cref="PeerCertificate"/>.</param>
    public TlsInfo(SslProtocols protocol, TlsCipherSuite cipherSuite, string? applicationProtocol = null, string? serverName = null, X509Certificate2? peerCertificate = null)
    {
        Protocol = protocol;
        CipherSuite = cipherSuite;
        ApplicationProtocol = applicationProtocol;
        ServerName = serverName;
        PeerCertificate = peerCertificate;
    }

    /// <summary>TLS 1.2 or TLS 1.3.</summary>
    public SslProtocols Protocol { get; }

    /// <summary>The cipher suite, by its IANA name.</summary>
    public TlsCipherSuite CipherSuite { get; }

    /// <summary>What both ends chose by ALPN (RFC 7301), or null when they chose nothing.</summary>
    public string? ApplicationProtocol { get; }

    /// <summary>
    /// The name that the client asked for by SNI (RFC 6066 section 3), or null when it asked for none. Text of the peer's on a server:
    /// escape it before it is logged.
    /// </summary>
    public string? ServerName { get; }

    /// <summary>
    /// The peer's certificate, which has passed validation: a client's with mutual TLS, the server's at a client. Null when it gave none.
    /// Stays usable for as long as somebody holds it; it is not the caller's to dispose of.
    /// </summary>
    public X509Certificate2? PeerCertificate { get; }

    private string DebuggerText =>
        $"{this}{Told("for", ServerName)}{Told("over", ApplicationProtocol)}{Told("of", PeerCertificate?.Subject)}";

    /// <summary>For people and logs: <c>Tls13, TLS_AES_256_GCM_SHA384</c>. Holds no text of the peer's.</summary>
    public override string ToString() => $"{Protocol}, {CipherSuite}";

    // All of it may be the peer's words.
    private static string Told(string word, string? text) => text is null ? "" : $", {word} {LogText.Escape(text)}";
}
