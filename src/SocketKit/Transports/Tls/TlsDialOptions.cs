using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit;

/// <summary>How a client speaks TLS. Copied and checked when it is given to <see cref="Dial"/>. The defaults are strict: the server's certificate is valid now, is for the dialled name, and somebody whom the system trusts vouches for it.</summary>
public sealed class TlsDialOptions
{
    /// <summary>The name that the server's certificate must be for, and that is asked for by SNI (RFC 6066); an IP address is fine, and a
    /// dot at the end is left out. Default: the dialled host. Must be set where that is not known, for a dialer that is given.</summary>
    public string? ServerName { get; set; }

    /// <summary>Who vouches for the server's certificate: these roots and nobody else. A self-signed certificate may stand for itself. Default: empty, the system's trusted roots.</summary>
    public X509Certificate2Collection Authorities { get; } = [];

    /// <summary>The client's own certificate, for servers that ask for one (mutual TLS). Default: none.</summary>
    public TlsCertificate? Certificate { get; set; }

    /// <summary>The protocols to offer by ALPN (RFC 7301), the most wanted first; <see cref="TlsInfo.ApplicationProtocol"/> tells the server's choice, which may be none. Default: empty.</summary>
    public IList<string> ApplicationProtocols { get; } = [];

    /// <summary>The versions of TLS. Default: 1.2 and 1.3. Older ones are not to be had.</summary>
    public SslProtocols Protocols { get; set; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>The cipher suites to choose from, those of each version in <see cref="Protocols"/>. For rules of others: the system's own choice is kept up to date with the system. Default: empty, the system's. With it, no session is resumed.
    /// Not on Windows and Android, where the system chooses for all programs: <see cref="PlatformNotSupportedException"/>.</summary>
    public IList<TlsCipherSuite> CipherSuites { get; } = [];

    /// <summary>Asks, over the network, if the server's certificate is revoked; where nobody can tell, it is refused. Default: false.</summary>
    public bool CheckRevocation { get; set; }

    /// <summary>Looks at a server's certificate that has passed validation, and may still refuse it (a pinned key, say): it cannot accept one that has not. Default: none. Called on the thread pool, thread-safe, must be quick.</summary>
    public Func<X509Certificate2, bool>? AcceptPeer { get; set; }

    /// <summary>For development only: accepts whatever certificate the server has, so that anybody on the way can read and change everything. Every handshake then logs a warning (on the standard error when no logger takes it). Default: false.
    /// It stands alone: beside <see cref="Authorities"/>, <see cref="CheckRevocation"/> or <see cref="AcceptPeer"/>, which would have no say, it is an <see cref="OptionsException"/>.
    /// Better: give a development certificate as the only one of <see cref="Authorities"/>.</summary>
    public bool DangerousAcceptAnyCertificate { get; set; }

    /// <summary>Refuses a certificate whose key is in a file that every user can read, that a group or every user can write, or that another user than root and this one owns; and a <c>ca</c> of an address that others can write; one that comes later by such a file is not taken, and the one from before stays in use, for all that share the certificate.
    /// Default: false, then a warning is logged. Nothing is looked at on Windows, nor of certificates that the program has loaded itself.</summary>
    public bool RefuseSharedKey { get; set; }

    /// <summary>A copy with everything that is set here, of which something may be changed.</summary>
    internal TlsDialOptions Copy()
    {
        var copy = new TlsDialOptions
        {
            ServerName = ServerName,
            Certificate = Certificate,
            Protocols = Protocols,
            CheckRevocation = CheckRevocation,
            RefuseSharedKey = RefuseSharedKey,
            AcceptPeer = AcceptPeer,
            DangerousAcceptAnyCertificate = DangerousAcceptAnyCertificate,
        };
        copy.Authorities.AddRange(Authorities);
        foreach (var suite in CipherSuites)
        {
            copy.CipherSuites.Add(suite);
        }

        foreach (var protocol in ApplicationProtocols)
        {
            copy.ApplicationProtocols.Add(protocol);
        }

        return copy;
    }
}
