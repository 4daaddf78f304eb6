using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit;

/// <summary>
/// How a client speaks TLS. Copied and checked when it is given to <see cref="Dial"/>. The defaults are strict: the server's certificate is
/// valid now, is for the dialled name, and somebody whom the system trusts vouches for it.
/// </summary>
[DebuggerDisplay("{Protocols}, server name {ServerName}, any certificate {DangerousAcceptAnyCertificate}")]
public sealed class TlsDialOptions : TlsOptions
{
    /// <summary>The name that the server's certificate must be for, and that is asked for by SNI (RFC 6066); an IP address is fine, and a
    /// dot at the end is left out. Default: the dialled host. Must be set where that is not known, for a dialer that is given.</summary>
    public string? ServerName { get; set; }

    /// <summary>
    /// Who vouches for the server's certificate: these roots and nobody else. A self-signed certificate may stand for itself. Default:
    /// empty, the system's trusted roots.
    /// </summary>
    public X509Certificate2Collection Authorities { get; } = [];

    /// <summary>The client's own certificate, for servers that ask for one (mutual TLS). Default: none.</summary>
    public TlsCertificate? Certificate { get; set; }

    /// <summary>
    /// For development only: accepts whatever certificate the server has, so that anybody on the way can read and change everything. Every
    /// handshake then logs a warning (on the standard error when no logger takes it). Default: false. It stands alone: beside
    /// <see cref="Authorities"/>, <see cref="TlsOptions.CheckRevocation"/> or <see cref="TlsOptions.AcceptPeer"/>, which would have no say,
    /// it is an <see cref="OptionsException"/>. Better: give a development certificate as the only one of <see cref="Authorities"/>.
    /// </summary>
    public bool DangerousAcceptAnyCertificate { get; set; }

    /// <summary>A copy with everything that is set here, of which something may be changed.</summary>
    internal TlsDialOptions Copy()
    {
        var copy = new TlsDialOptions
        {
            ServerName = ServerName,
            Certificate = Certificate,
            DangerousAcceptAnyCertificate = DangerousAcceptAnyCertificate,
        };
        copy.Authorities.AddRange(Authorities);
        CopyTo(copy);
        return copy;
    }
}
