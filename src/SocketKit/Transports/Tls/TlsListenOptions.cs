using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit;

/// <summary>
/// How a server speaks TLS. Copied and checked when it is given to <see cref="Listen"/>. A <see cref="Certificate"/>, or one in
/// <see cref="ServerNames"/>, must be set.
/// </summary>
[DebuggerDisplay("{Protocols}, client certificates {ClientCertificateMode}, {Certificate}")]
public sealed class TlsListenOptions : TlsOptions
{
    /// <summary>
    /// The certificate for clients that ask for no name, or for none of <see cref="ServerNames"/>. Default: none; then such clients are
    /// refused.
    /// </summary>
    public TlsCertificate? Certificate { get; set; }

    /// <summary>Certificates by the name that the client asks for (SNI, RFC 6066): <c>example.com</c>, or <c>*.example.com</c> for all
    /// names with one label more. Upper and lower case, a dot at the end and the two forms of an internationalized name are the same; an
    /// exact name goes first. Default: empty.</summary>
    public IDictionary<string, TlsCertificate> ServerNames { get; } = new Dictionary<string, TlsCertificate>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// If clients show a certificate (mutual TLS). With another value than the default, <see cref="ClientAuthorities"/> or
    /// <see cref="TlsOptions.AcceptPeer"/> must be set; with the default, neither may be. Default:
    /// <see cref="ClientCertificateMode.None"/>.
    /// </summary>
    public ClientCertificateMode ClientCertificateMode { get; set; }

    /// <summary>
    /// Who vouches for clients' certificates: these roots and nobody else. Default: empty. Where clients are asked for certificates, empty
    /// is an <see cref="OptionsException"/>, since anybody gets one from some root that the system trusts; with
    /// <see cref="TlsOptions.AcceptPeer"/> it is the system's trusted roots, and the program decides whom of theirs it lets in.
    /// </summary>
    public X509Certificate2Collection ClientAuthorities { get; } = [];

    /// <summary>How many handshakes may be worked on at once on this listener; more wait, until the open deadline
    /// (<see cref="ConnectionOptions.OpenTimeout"/>). A handshake that waits for its client takes no place. Of the places one IP address
    /// (of IPv6, a /64 network)
    /// has at most a quarter, and those that wait take turns by address, so that a flood from one is not in the way of others. Default:
    /// 256. At least 1.</summary>
    public int MaxHandshakes { get; set; } = 256;

    /// <summary>A copy with everything that is set here, of which something may be changed.</summary>
    internal TlsListenOptions Copy()
    {
        var copy = new TlsListenOptions
        {
            Certificate = Certificate,
            ClientCertificateMode = ClientCertificateMode,
            MaxHandshakes = MaxHandshakes,
        };
        copy.ClientAuthorities.AddRange(ClientAuthorities);
        CopyTo(copy);
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
