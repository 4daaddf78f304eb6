using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit.Transports.Tls;

/// <summary>
/// What the handshakes of one listener or dialer have in common. Immutable, but for the certificates' files; thread-safe.
/// </summary>
internal abstract class TlsSide
{
    private static readonly Oid ServerUsage = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientUsage = new("1.3.6.1.5.5.7.3.2");

    private readonly X509Certificate2Collection _authorities;
    private readonly TlsRevocation? _revocation;
    private readonly Func<X509Certificate2, bool>? _acceptPeer;

    protected TlsSide(string role, TlsOptions options, X509Certificate2Collection authorities)
    {
        const SslProtocols Known = SslProtocols.Tls12 | SslProtocols.Tls13;
        var protocols = options.Protocols;
        if (protocols == SslProtocols.None || (protocols & ~Known) != SslProtocols.None)
        {
            throw new OptionsException(role + ".Protocols", $"{protocols} is not possible; type SslProtocols.Tls12 | SslProtocols.Tls13, or one of the two");
        }

        Protocols = protocols;
        CipherSuites = TlsCipherSuites.Create(role + ".CipherSuites", options.CipherSuites, protocols);
        var offered = new List<SslApplicationProtocol>();
        foreach (var protocol in options.ApplicationProtocols)
        {
            if (string.IsNullOrEmpty(protocol) || System.Text.Encoding.UTF8.GetByteCount(protocol) > byte.MaxValue)
            {
                throw new OptionsException(role + ".ApplicationProtocols", "holds a protocol that is empty or longer than 255 bytes; type a name of RFC 7301, such as \"my-protocol/1\"");
            }

            offered.Add(new SslApplicationProtocol(protocol));
        }

        ApplicationProtocols = offered.Count > 0 ? offered : null;
        _authorities = [.. authorities];
        _revocation = options.CheckRevocation ? new TlsRevocation(_authorities) : null;
        _acceptPeer = options.AcceptPeer;
    }

    public abstract bool IsServer { get; }

    /// <summary>The peer may ask for a signature in an open session of TLS 1.3 (RFC 8446 section 4.6.2).</summary>
    public virtual bool MaySignLater => false;

    /// <summary>What is asked of the peer.</summary>
    public virtual WireProtection Protection
    {
        get
        {
            var asked = WireProtection.Confidential | WireProtection.ValidatesCertificate;
            asked |= _authorities.Count > 0 ? WireProtection.OwnAuthorities : 0;
            asked |= _revocation is not null ? WireProtection.ChecksRevocation : 0;
            return asked | (_acceptPeer is not null ? WireProtection.ChecksPeers : 0);
        }
    }

    /// <summary>Null: handshakes are not counted, since this side begins them.</summary>
    public virtual HandshakeGate? Gate => null;

    protected SslProtocols Protocols { get; }

    protected CipherSuitesPolicy? CipherSuites { get; }

    protected List<SslApplicationProtocol>? ApplicationProtocols { get; }

    /// <summary>Does the handshake, and notes on the stream what it came to.</summary>
    public abstract ValueTask AuthenticateAsync(TlsStream tls, TransportServices services);

    /// <summary>What a failed handshake is to the caller.</summary>
    public Exception Explain(Exception exception, TransportStream stream) => exception switch
    {
        TlsException => exception,
        _ when stream.SawEnd => new TlsException(TlsFailure.PeerLeft, $"the {Peer} ended the stream during the handshake", exception),
        AuthenticationException when IsAlert(exception) => new TlsException(TlsFailure.PeerRefused, $"the {Peer} refused the handshake: {(exception.Message.Contains("alert", StringComparison.OrdinalIgnoreCase) ? exception.Message : Innermost(exception))}", exception),

        // Of itself, and not as the cause of another: the system gave up in the middle of the chain, and says no more than that.
        CryptographicException when (Protection & WireProtection.ValidatesCertificate) != 0 => new TlsException(TlsFailure.CertificateInvalid, $"the {Peer}'s certificate cannot be judged: its chain is too long, or damaged ({exception.Message})", exception),
        AuthenticationException or IOException or CryptographicException => new TlsException(TlsFailure.HandshakeFailed, $"the handshake with the {Peer} failed: {Innermost(exception)}", exception),
        _ => exception,
    };

    /// <summary>What a failure of an open session is to the caller.</summary>
    public Exception ExplainLater(Exception exception) => exception switch
    {
        TlsException => exception,
        AuthenticationException or IOException when IsAlert(exception) => new TlsException(TlsFailure.PeerRefused, $"the {Peer} ended the session: {Innermost(exception)}", exception),
        AuthenticationException or IOException or CryptographicException => new TlsException(TlsFailure.BrokenRecord, $"the session with the {Peer} broke: {Innermost(exception)}", exception),
        _ => exception,
    };

    private string Peer => IsServer ? "client" : "server";

    /// <summary>One for each handshake.</summary>
    protected X509ChainPolicy Policy() => TlsChainPolicy.Create(_authorities);

    /// <summary>The keys of all these are their owner's alone, or it is said.</summary>
    /// <exception cref="OptionsException">One is not.</exception>
    protected static void RefuseSharedKeys(string role, IEnumerable<TlsCertificate> certificates)
    {
        foreach (var certificate in certificates)
        {
            if (certificate.RefuseSharedKey() is { } why)
            {
                throw new OptionsException(role + ".RefuseSharedKey", why);
            }
        }
    }

    /// <summary>
    /// Judges the peer's certificate. What SslStream found wrong stays wrong; this says what it was, and lets the application refuse more.
    /// </summary>
    protected bool Accepts(TlsStream tls, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.None || certificate is not X509Certificate2 accepted || chain is null)
        {
            var status = chain is null ? X509ChainStatusFlags.NoError : chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
            tls.Refusal = Judge(certificate as X509Certificate2, chain, errors, status);
        }
        else if (!HasExpectedName(accepted))
        {
            tls.Refusal = Judge(accepted, chain, SslPolicyErrors.RemoteCertificateNameMismatch, X509ChainStatusFlags.NoError);
        }
        else if (_revocation?.Ask(accepted, chain, PeerUsage) is { } revocation and not X509ChainStatusFlags.NoError)
        {
            tls.Refusal = Judge(accepted, chain, SslPolicyErrors.RemoteCertificateChainErrors, revocation);
        }
        else if (_acceptPeer is not null && !_acceptPeer(accepted))
        {
            tls.Refusal = new TlsException(TlsFailure.CertificateRefused, $"the application refused the {Peer}'s certificate {NameOf(accepted)}");
        }

        return tls.Refusal is null;
    }

    private TlsException Judge(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, X509ChainStatusFlags status)
    {
        if (certificate is null || (errors & SslPolicyErrors.RemoteCertificateNotAvailable) != 0)
        {
            return new TlsException(TlsFailure.CertificateMissing, $"the {Peer} has no certificate");
        }

        var (failure, what) = status switch
        {
            _ when Has(X509ChainStatusFlags.Revoked) => (TlsFailure.CertificateRevoked, "is revoked"),
            _ when Has(X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.ExplicitDistrust) => (TlsFailure.CertificateUntrusted, "comes from nobody who is trusted"),
            _ when Has(X509ChainStatusFlags.NotTimeValid) => Timely(certificate, chain!),
            _ when (errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0 => (TlsFailure.CertificateNameMismatch, $"is not for the name {ExpectedName}"),
            _ when Has(X509ChainStatusFlags.RevocationStatusUnknown | X509ChainStatusFlags.OfflineRevocation) => (TlsFailure.CertificateRevocationUnknown, "may be revoked: nobody could tell"),
            _ => (TlsFailure.CertificateInvalid, $"is not valid ({status})"),
        };
        return new TlsException(failure, $"the {Peer}'s certificate {NameOf(certificate)} {what}");

        bool Has(X509ChainStatusFlags flags) => (status & flags) != 0;
    }

    /// <summary>The name that the peer's certificate must be for, for messages.</summary>
    protected virtual string ExpectedName => "";

    /// <summary>The certificate is for that name.</summary>
    protected virtual bool HasExpectedName(X509Certificate2 certificate) => true;

    /// <summary>The extended key usage (RFC 5280 section 4.2.1.12) that the peer's certificate needs.</summary>
    private Oid PeerUsage => IsServer ? ClientUsage : ServerUsage;

    private static (TlsFailure Failure, string What) Timely(X509Certificate2 certificate, X509Chain chain)
    {
        var now = DateTime.Now;
        var wrong = certificate.NotBefore > now || certificate.NotAfter < now
            ? certificate
            : chain.ChainElements.Select(element => element.Certificate).FirstOrDefault(one => one.NotBefore > now || one.NotAfter < now) ?? certificate;
        var whose = wrong == certificate ? "" : "has an issuer that ";
        return wrong.NotBefore > now
            ? (TlsFailure.CertificateNotYetValid, $"{whose}is not valid before {wrong.NotBefore.ToUniversalTime():u}")
            : (TlsFailure.CertificateExpired, $"{whose}expired at {wrong.NotAfter.ToUniversalTime():u}");
    }

    /// <summary>The subject is the peer's text.</summary>
    private static string NameOf(X509Certificate2 certificate) => $"({LogText.Escape(certificate.Subject)})";

    /// <summary>
    /// SslStream has no other way to say that the peer sent an alert: the message names it, or has OpenSSL's error code, whose reason is
    /// 1000 and the alert's number.
    /// </summary>
    private static bool IsAlert(Exception exception)
    {
        const string OpenSslError = "error:0A";
        const uint Reason = 0x7fffff;
        var innermost = Innermost(exception);
        if (exception.Message.Contains("alert", StringComparison.OrdinalIgnoreCase) || innermost.Contains("alert", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        var code = innermost.IndexOf(OpenSslError, StringComparison.Ordinal) + OpenSslError.Length - 2;
        return code >= OpenSslError.Length - 2 && innermost.Length >= code + 8
            && uint.TryParse(innermost.AsSpan(code, 8), System.Globalization.NumberStyles.HexNumber, null, out var number) && (number & Reason) >= 1000;
    }

    private static string Innermost(Exception exception) => exception.GetBaseException().Message;
}
