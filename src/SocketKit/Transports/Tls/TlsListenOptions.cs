using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit;

/// <summary>How a server speaks TLS. Copied and checked when it is given to <see cref="Listen"/>. A <see cref="Certificate"/>, or one in <see cref="ServerNames"/>, must be set.</summary>
public sealed class TlsListenOptions
{
    /// <summary>The certificate for clients that ask for no name, or for none of <see cref="ServerNames"/>. Default: none; then such clients are refused.</summary>
    public TlsCertificate? Certificate { get; set; }

    /// <summary>Certificates by the name that the client asks for (SNI, RFC 6066): <c>example.com</c>, or <c>*.example.com</c> for all
    /// names with one label more. Upper and lower case, a dot at the end and the two forms of an internationalized name are the same; an
    /// exact name goes first. Default: empty.</summary>
    public IDictionary<string, TlsCertificate> ServerNames { get; } = new Dictionary<string, TlsCertificate>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The protocols to offer by ALPN (RFC 7301), the most wanted first. A client that offers others only is refused; one that offers nothing is served. Default: empty, none is chosen.</summary>
    public IList<string> ApplicationProtocols { get; } = [];

    /// <summary>The versions of TLS. Default: 1.2 and 1.3. Older ones are not to be had.</summary>
    public SslProtocols Protocols { get; set; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>If clients show a certificate (mutual TLS). With another value than the default, <see cref="ClientAuthorities"/> or <see cref="AcceptPeer"/> must be set; with the default, neither may be. Default: <see cref="ClientCertificateMode.None"/>.</summary>
    public ClientCertificateMode ClientCertificateMode { get; set; }

    /// <summary>Who vouches for clients' certificates: these roots and nobody else. Default: empty. Where clients are asked for certificates, empty is an <see cref="OptionsException"/>, since anybody gets one from some root that the system trusts;
    /// with <see cref="AcceptPeer"/> it is the system's trusted roots, and the program decides whom of theirs it lets in.</summary>
    public X509Certificate2Collection ClientAuthorities { get; } = [];

    /// <summary>The cipher suites to choose from, those of each version in <see cref="Protocols"/>. For rules of others: the system's own choice is kept up to date with the system. Default: empty, the system's. With it, no session is resumed.
    /// Not on Windows and Android, where the system chooses for all programs: <see cref="PlatformNotSupportedException"/>.</summary>
    public IList<TlsCipherSuite> CipherSuites { get; } = [];

    /// <summary>Asks, over the network, if a client's certificate is revoked; where nobody can tell, it is refused. Default: false.</summary>
    public bool CheckRevocation { get; set; }

    /// <summary>Looks at a client's certificate that has passed validation, and may still refuse it: it cannot accept one that has not. Without <see cref="ClientAuthorities"/> it alone keeps strangers out. Default: none. Called on the thread pool, thread-safe, must be quick.</summary>
    public Func<X509Certificate2, bool>? AcceptPeer { get; set; }

    /// <summary>How many handshakes may be worked on at once on this listener; more wait, until the open deadline
    /// (<see cref="ConnectionOptions.OpenTimeout"/>). A handshake that waits for its client takes no place. Of the places one IP address
    /// (of IPv6, a /64 network)
    /// has at most a quarter, and those that wait take turns by address, so that a flood from one is not in the way of others. Default: 256. At least 1.</summary>
    public int MaxHandshakes { get; set; } = 256;

    /// <summary>Refuses a certificate whose key is in a file that every user can read, that a group or every user can write, or that another user than root and this one owns; and a <c>ca</c> of an address that others can write; one that comes later by such a file is not taken, and the one from before stays in use, for all that share the certificate.
    /// Default: false, then a warning is logged. Nothing is looked at on Windows, nor of certificates that the program has loaded itself.</summary>
    public bool RefuseSharedKey { get; set; }

    /// <summary>A copy with everything that is set here, of which something may be changed.</summary>
    internal TlsListenOptions Copy()
    {
        var copy = new TlsListenOptions
        {
            Certificate = Certificate,
            Protocols = Protocols,
            ClientCertificateMode = ClientCertificateMode,
            CheckRevocation = CheckRevocation,
            RefuseSharedKey = RefuseSharedKey,
            AcceptPeer = AcceptPeer,
            MaxHandshakes = MaxHandshakes,
        };
        copy.ClientAuthorities.AddRange(ClientAuthorities);
        foreach (var suite in CipherSuites)
        {
            copy.CipherSuites.Add(suite);
        }

        foreach (var protocol in ApplicationProtocols)
        {
            copy.ApplicationProtocols.Add(protocol);
        }

        foreach (var (name, certificate) in ServerNames)
        {
            copy.ServerNames.Add(name, certificate);
        }

        return copy;
    }
}

/// <summary>If the clients of a TLS server show a certificate.</summary>
public enum ClientCertificateMode
{
    /// <summary>They are not asked for one.</summary>
    None = 0,

    /// <summary>They are asked, and may have none; the one that is shown must be valid.</summary>
    Allowed = 1,

    /// <summary>Without a valid one the handshake fails.</summary>
    Required = 2,
}
