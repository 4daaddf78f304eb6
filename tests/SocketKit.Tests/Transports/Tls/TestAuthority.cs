using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>
/// A certificate authority of the tests: a root, and certificates that it vouches for. Nothing of it is trusted by the system.
/// </summary>
public sealed class TestAuthority
{
    /// <summary>The one that most tests trust.</summary>
    public static TestAuthority Shared { get; } = new("Test root");

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <param name="name">Its name.</param>
    /// <param name="issuer">Who vouches for it; null: it is a root.</param>
    public TestAuthority(string name, TestAuthority? issuer = null)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = DateTimeOffset.UtcNow;
        Root = issuer is null
            ? request.CreateSelfSigned(now.AddYears(-3), now.AddYears(3))
            : request.Create(issuer.Root, issuer.Root.NotBefore, issuer.Root.NotAfter, [1, 2, 3, 4]).CopyWithPrivateKey(_key);
    }

    public X509Certificate2 Root { get; }

    /// <summary>Makes a certificate with its key, for servers and clients.</summary>
    /// <param name="names">DNS names and IP addresses.</param>
    /// <param name="from">Days from now, of the beginning.</param>
    /// <param name="to">Days from now, of the end.</param>
    /// <param name="crl">Where the list of revoked certificates is.</param>
    /// <param name="subject">The subject's name.</param>
    /// <param name="issuerAt">Where the issuer's certificate is said to be.</param>
    public X509Certificate2 Issue(string[]? names = null, double from = -1, double to = 30, string? crl = null, string subject = "Test", string? issuerAt = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(subject);
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Root, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (crl is not null)
        {
            request.CertificateExtensions.Add(CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([crl]));
        }

        if (issuerAt is not null)
        {
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([], [issuerAt]));
        }

        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var alternative in names ?? ["localhost"])
        {
            if (IPAddress.TryParse(alternative, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(alternative);
            }
        }

        if (names is not { Length: 0 })
        {
            request.CertificateExtensions.Add(alternatives.Build());
        }

        var serial = RandomNumberGenerator.GetBytes(12);
        serial[0] &= 0x7f;
        serial[0] |= 1;
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(Root, now.AddDays(from), now.AddDays(to), serial);
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>The signed list of revoked certificates.</summary>
    public byte[] RevocationList(params X509Certificate2[] revoked)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var certificate in revoked)
        {
            builder.AddEntry(certificate, DateTimeOffset.UtcNow.AddHours(-2));
        }

        return builder.Build(Root, 1, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256, null, DateTimeOffset.UtcNow.AddHours(-1));
    }

    /// <summary>Options of a server with a fresh certificate.</summary>
    public TlsListenOptions ListenOptions(Action<TlsListenOptions>? configure = null, params string[] names)
    {
        var options = new TlsListenOptions { Certificate = TlsCertificate.From(Issue(names.Length > 0 ? names : null)) };
        options.ClientAuthorities.Add(Root);
        configure?.Invoke(options);
        if (options.ClientCertificateMode == ClientCertificateMode.None)
        {
            options.ClientAuthorities.Clear();
        }

        return options;
    }

    /// <summary>Options of a client that trusts this authority.</summary>
    public TlsDialOptions DialOptions(Action<TlsDialOptions>? configure = null)
    {
        var options = new TlsDialOptions { ServerName = "localhost" };
        options.Authorities.Add(Root);
        configure?.Invoke(options);
        return options;
    }

    /// <summary>A certificate and its key as PEM.</summary>
    public static (string Certificate, string Key) Pem(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Writes a file that its owner alone can read.</summary>
    public static void WriteOwn(string path, string content)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(content);
    }

    /// <summary>Connects two ends over a listener and a dialer.</summary>
    public static async ValueTask<(Transport Client, Transport Server)> ConnectAsync(Listener listener, Func<Dialer> dialer)
    {
        await listener.BindAsync(new(), CancellationToken.None);
        var accept = listener.AcceptAsync().AsTask();
        var client = await dialer().DialAsync(new(), CancellationToken.None);
        var server = await accept.WaitAsync(TimeSpan.FromSeconds(10));
        await listener.DisposeAsync();
        return (client, server!);
    }

    /// <summary>Does both handshakes.</summary>
    public static Task OpenAsync(params Transport[] ends) => Task.WhenAll(ends.Select(end => end.OpenAsync(CancellationToken.None).AsTask())).WaitAsync(TimeSpan.FromSeconds(20));
}
