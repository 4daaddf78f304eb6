using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit;

/// <summary>How either end speaks TLS.</summary>
/// <remarks>The library derives from it; programs cannot. A minor version may add members.</remarks>
public abstract class TlsOptions
{
    private protected TlsOptions()
    {
    }

    /// <summary>
    /// The protocols to offer by ALPN (RFC 7301), the most wanted first; <see cref="TlsInfo.ApplicationProtocol"/> tells what both chose. A
    /// server refuses a client that offers others only, and serves one that offers nothing. Default: empty, none is chosen.
    /// </summary>
    public IList<string> ApplicationProtocols { get; } = [];

    /// <summary>The versions of TLS. Default: 1.2 and 1.3. Older versions are not supported.</summary>
    public SslProtocols Protocols { get; set; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>
    /// The cipher suites to choose from, those of each version in <see cref="Protocols"/>. For rules of others: the system's own choice is
    /// kept up to date with the system. Default: empty, the system's. With it, no session is resumed. Not on Windows and Android, where the
    /// system chooses for all programs: <see cref="PlatformNotSupportedException"/>.
    /// </summary>
    public IList<TlsCipherSuite> CipherSuites { get; } = [];

    /// <summary>
    /// Asks, over the network, if the peer's certificate is revoked; where nobody can tell, it is refused. Default: false.
    /// </summary>
    public bool CheckRevocation { get; set; }

    /// <summary>
    /// Looks at a peer's certificate that has passed validation, and may still refuse it (a pinned key, say): it cannot accept one that has
    /// not. On a server without <see cref="TlsListenOptions.ClientAuthorities"/> it alone keeps strangers out. Default: none. Called on the
    /// thread pool; must be thread-safe and quick.
    /// </summary>
    public Func<X509Certificate2, bool>? AcceptPeer { get; set; }

    /// <summary>
    /// Refuses a certificate whose key is in a file that every user can read, that a group or every user can write, or that another user
    /// than root and this one owns; and a <c>ca</c> of an address that others can write. One that comes later by such a file is not taken,
    /// and the one from before stays in use, for all that share the certificate. Default: false, then a warning is logged. Nothing is
    /// looked at on Windows, nor of certificates that the program has loaded itself.
    /// </summary>
    public bool RefuseSharedKey { get; set; }

    /// <summary>Sets in another one what is set here.</summary>
    private protected void CopyTo(TlsOptions other)
    {
        other.Protocols = Protocols;
        other.CheckRevocation = CheckRevocation;
        other.AcceptPeer = AcceptPeer;
        other.RefuseSharedKey = RefuseSharedKey;
        foreach (var suite in CipherSuites)
        {
            other.CipherSuites.Add(suite);
        }

        foreach (var protocol in ApplicationProtocols)
        {
            other.ApplicationProtocols.Add(protocol);
        }
    }
}
