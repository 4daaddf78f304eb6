using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Tls;

/// <summary>The client's end of handshakes: the name that the server must prove, and the client's own certificate.</summary>
internal sealed class TlsClientSide : TlsSide
{
    private const string Role = nameof(TlsDialOptions);

    private readonly string _serverName;
    private readonly TlsCertificate? _certificate;
    private readonly bool _acceptAny;
    private readonly RemoteCertificateValidationCallback _validate;

    /// <param name="options">What was asked for.</param>
    /// <param name="host">The dialled host, or null when it is not known.</param>
    public TlsClientSide(TlsDialOptions options, string? host)
        : base(Role, options, options.Authorities)
    {
        _serverName = options.ServerName ?? host ?? throw new OptionsException(Role + ".ServerName", "is not set, and the dialer does not tell it; type ServerName = \"example.com\", the name that the server's certificate is for");
        if (string.IsNullOrWhiteSpace(_serverName))
        {
            throw new OptionsException(Role + ".ServerName", "is empty; type the name that the server's certificate is for, such as \"example.com\"");
        }

        if (!TlsServerName.IsPossible(_serverName))
        {
            throw new OptionsException(Role + ".ServerName", $"\"{LogText.Escape(_serverName)}\" is not a name that a certificate can be for; type a host name such as \"example.com\", or an IP address");
        }

        _serverName = TlsServerName.WithoutDot(_serverName);
        if (options.DangerousAcceptAnyCertificate && WithoutEffect(options) is { Length: > 0 } others)
        {
            throw new OptionsException(Role + ".DangerousAcceptAnyCertificate", $"accepts every certificate, so that {others} would have no say; leave it false, or leave {others} out");
        }

        if (options.RefuseSharedKey && options.Certificate is { } own)
        {
            RefuseSharedKeys(Role, [own]);
        }

        _certificate = options.Certificate;
        _acceptAny = options.DangerousAcceptAnyCertificate;
        _validate = Validate;
    }

    public override bool IsServer => false;

    public override bool MaySignLater => _certificate is not null;

    /// <summary>Whoever accepts any certificate talks to whoever is on the way.</summary>
    public override WireProtection Protection => _acceptAny ? WireProtection.None : base.Protection | WireProtection.RequiresCertificate;

    protected override string ExpectedName => _serverName;

    /// <summary>By the alternative names alone (RFC 9525 section 6.3); SslStream also takes the common name where there are none.</summary>
    protected override bool HasExpectedName(X509Certificate2 certificate) =>
        certificate.MatchesHostname(TlsServerName.Normalize(_serverName), allowWildcards: true, allowCommonName: false);

    public override async ValueTask AuthenticateAsync(TlsStream tls, TransportServices services)
    {
        _certificate?.Use(services);
        _certificate?.WarnOfSharedKey();
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = _serverName,
            EnabledSslProtocols = Protocols,
            CipherSuitesPolicy = CipherSuites,
            ApplicationProtocols = ApplicationProtocols,
            ClientCertificateContext = _certificate?.Fresh().Context,
            CertificateChainPolicy = Policy(),
            RemoteCertificateValidationCallback = _validate,
            AllowRenegotiation = false,
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        };
        try
        {
            await tls.AuthenticateAsClientAsync(options).ConfigureAwait(false);
        }
        catch (Exception exception) when (tls.Refusal is { } refusal && exception != refusal)
        {
            throw refusal;
        }

        tls.NoteInfo(_serverName, ApplicationProtocols);
    }

    /// <summary>The options that judge certificates, as far as they are set.</summary>
    private static string WithoutEffect(TlsDialOptions options) => string.Join(" and ", new[]
    {
        options.Authorities.Count > 0 ? nameof(options.Authorities) : null,
        options.CheckRevocation ? nameof(options.CheckRevocation) : null,
        options.AcceptPeer is not null ? nameof(options.AcceptPeer) : null,
    }.Where(name => name is not null));

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var tls = (TlsStream)sender;
        if (!_acceptAny)
        {
            return Accepts(tls, certificate, chain, errors);
        }

        if (tls.Logger.IsEnabled(LogLevel.Warning))
        {
            Log.CertificateNotValidated(tls.Logger, _serverName);
        }
        else
        {
            // Nobody accepts any certificate quietly.
            Console.Error.WriteLine($"SocketKit: the certificate of {_serverName} is NOT validated (TlsDialOptions.DangerousAcceptAnyCertificate)");
        }

        return true;
    }
}
