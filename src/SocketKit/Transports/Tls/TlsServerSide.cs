using System.Net.Security;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Tls;

/// <summary>The server's end of handshakes: a certificate for the name that is asked for, and what clients must show.</summary>
internal sealed class TlsServerSide : TlsSide
{
    private const string Role = nameof(TlsListenOptions);

    /// <summary>Crowds that follow each other sooner are one in the log.</summary>
    private static readonly TimeSpan CrowdsApart = TimeSpan.FromSeconds(10);

    private readonly Lock _crowds = new();
    private TransportServices _services = new();
    private readonly int _maxHandshakes;
    private readonly TlsCertificate? _default;
    private readonly Dictionary<string, TlsCertificate> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly ClientCertificateMode _clients;
    private readonly ServerOptionsSelectionCallback _select;
    private readonly RemoteCertificateValidationCallback _validate;
    private bool _crowded;
    private bool _crowdTold;
    private long _crowdToldAt;
    private long _delayed;

    public TlsServerSide(TlsListenOptions options)
        : base(Role, options, options.ClientAuthorities)
    {
        _default = options.Certificate;
        foreach (var (name, certificate) in options.ServerNames)
        {
            if (string.IsNullOrWhiteSpace(name) || name.LastIndexOf('*') > 0 || (name[0] == '*' && !name.StartsWith("*.", StringComparison.Ordinal)))
            {
                throw new OptionsException(Role + ".ServerNames", $"\"{name}\" is not a name; type \"example.com\" or \"*.example.com\"");
            }

            var normal = TlsServerName.Normalize(name);
            var other = _byName.Keys.FirstOrDefault(known => known.Equals(normal, StringComparison.OrdinalIgnoreCase));
            if (other is not null)
            {
                throw new OptionsException(Role + ".ServerNames", $"\"{name}\" is there twice, also as \"{other}\"; leave one of them out");
            }

            _byName.Add(normal, certificate ?? throw new OptionsException(
                Role + ".ServerNames", $"there is no certificate for \"{name}\"; type TlsCertificate.FromPem(...), say"));
        }

        if (_default is null && _byName.Count == 0)
        {
            throw new OptionsException(Role + ".Certificate", "is not set; type Certificate = TlsCertificate.FromPem(\"server.crt\", \"server.key\"), say");
        }

        if (!Enum.IsDefined(options.ClientCertificateMode))
        {
            throw new OptionsException(Role + ".ClientCertificateMode", $"{options.ClientCertificateMode} is not a choice; type ClientCertificateMode.Required, say");
        }

        if (options.ClientCertificateMode != ClientCertificateMode.None && options.ClientAuthorities.Count == 0 && options.AcceptPeer is null)
        {
            // The system's authorities vouch for everybody who owns a name.
            throw new OptionsException(Role + ".ClientAuthorities", $"is empty, while ClientCertificateMode is {options.ClientCertificateMode}: whoever has a certificate of any authority that the system trusts would be let in; type ClientAuthorities.ImportFromPemFile(\"clients-root.pem\"), or ?ca=clients-root.pem in an address, or set AcceptPeer to judge each certificate yourself");
        }

        if (options.ClientCertificateMode == ClientCertificateMode.None && WithoutEffect(options) is { } idle)
        {
            throw new OptionsException(Role + ".ClientCertificateMode", $"is None, so that no client is asked for a certificate and {idle} would have no say; type ClientCertificateMode.Required, or leave {idle} out");
        }

        if (options.MaxHandshakes < 1)
        {
            throw new OptionsException(Role + ".MaxHandshakes", $"{options.MaxHandshakes} is out of range; type a number from 1 up");
        }

        if (options.RefuseSharedKey)
        {
            RefuseSharedKeys(Role, Certificates);
        }

        _clients = options.ClientCertificateMode;
        _maxHandshakes = options.MaxHandshakes;
        Gate = new HandshakeGate(_maxHandshakes, Crowded);
        _select = (stream, hello, _, _) => ValueTask.FromResult(Select((TlsStream)stream, hello.ServerName));
        _validate = (sender, certificate, chain, errors) =>
            (certificate is null && _clients != ClientCertificateMode.Required) || Accepts((TlsStream)sender, certificate, chain, errors);
    }

    public override bool IsServer => true;

    public override HandshakeGate Gate { get; }

    public override WireProtection Protection => _clients switch
    {
        ClientCertificateMode.Required => base.Protection | WireProtection.RequiresCertificate,
        ClientCertificateMode.Allowed => base.Protection,
        _ => WireProtection.Confidential,
    };

    /// <summary>What clients must show, for people.</summary>
    public string ClientPolicy => _clients switch
    {
        ClientCertificateMode.Required => "client certificates required",
        ClientCertificateMode.Allowed => "client certificates allowed",
        _ => "no client certificates",
    };

    /// <summary>All certificates, each once.</summary>
    public IEnumerable<TlsCertificate> Certificates => (_default is null ? _byName.Values : _byName.Values.Append(_default)).Distinct();

    /// <summary>The listener that this belongs to is bound.</summary>
    public void Serve(TransportServices services)
    {
        _services = services;
        foreach (var certificate in Certificates)
        {
            certificate.Use(services);
        }
    }

    /// <summary>What is to be done now and then: looks at the certificates' files, and tells the end of a crowd.</summary>
    public void Look()
    {
        foreach (var certificate in Certificates)
        {
            certificate.Fresh();
        }

        long delayed;
        lock (_crowds)
        {
            if (!_crowdTold || _crowded || _services.TimeProvider.GetElapsedTime(_crowdToldAt) < CrowdsApart)
            {
                return;
            }

            _crowdTold = false;
            (delayed, _delayed) = (_delayed, 0);
        }

        Log.HandshakesWaited(_services.Logger, delayed);
    }

    /// <summary>A look has thrown, which only a clock can do.</summary>
    public void LookFailed(Exception exception) => Log.ClockFailed(_services.Logger, _services.TimeProvider.GetType().Name, exception);

    private void Crowded(bool crowded, long count)
    {
        lock (_crowds)
        {
            _crowded = crowded;
            if (!crowded)
            {
                _delayed += count;
                return;
            }

            if (_crowdTold)
            {
                return;
            }

            _crowdTold = true;
            _crowdToldAt = _services.TimeProvider.GetTimestamp();
        }

        Log.HandshakesWait(_services.Logger, _maxHandshakes);
    }

    public override async ValueTask AuthenticateAsync(TlsStream tls, TransportServices services)
    {
        try
        {
            await tls.AuthenticateAsServerAsync(_select, null).ConfigureAwait(false);
        }
        catch (Exception exception) when (tls.Refusal is { } refusal && exception != refusal)
        {
            throw refusal;
        }

        tls.NoteInfo(TlsServerName.WithoutDot(tls.TargetHostName), ApplicationProtocols);
    }

    private SslServerAuthenticationOptions Select(TlsStream tls, string? name)
    {
        if (Find(name) is not { } certificate)
        {
            tls.SayUnknownName();
            throw tls.Refusal = new TlsException(TlsFailure.UnknownServerName, string.IsNullOrEmpty(name) ? "the client asks for no server name, and there is no certificate for that" : $"there is no certificate for the name {LogText.Escape(name)}, which the client asks for");
        }

        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Fresh().Context,
            EnabledSslProtocols = Protocols,
            CipherSuitesPolicy = CipherSuites,
            ApplicationProtocols = ApplicationProtocols,
            AllowRenegotiation = false,
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,

            // A resumed session has the client's certificate and not the chain that came with it, so it cannot be judged again. It may also
            // come from a listener that asks for less and has the same certificate.
            AllowTlsResume = _clients == ClientCertificateMode.None,
        };
        if (_clients != ClientCertificateMode.None)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = Policy();
            options.RemoteCertificateValidationCallback = _validate;
        }

        return options;
    }

    /// <summary>An option that judges clients' certificates, if one is set.</summary>
    private static string? WithoutEffect(TlsListenOptions options) =>
        options.ClientAuthorities.Count > 0 ? nameof(options.ClientAuthorities)
        : options.AcceptPeer is not null ? nameof(options.AcceptPeer)
        : options.CheckRevocation ? nameof(options.CheckRevocation)
        : null;

    private TlsCertificate? Find(string? name)
    {
        if (string.IsNullOrEmpty(name) || _byName.Count == 0)
        {
            return _default;
        }

        name = TlsServerName.Normalize(name);
        if (_byName.TryGetValue(name, out var exact))
        {
            return exact;
        }

        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && _byName.TryGetValue(string.Concat("*", name.AsSpan(dot)), out var wildcard) ? wildcard : _default;
    }
}
