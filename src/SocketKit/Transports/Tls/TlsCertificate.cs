using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Diagnostics;
using SocketKit.Transports.Tls;

namespace SocketKit;

/// <summary>
/// A certificate with its private key and the intermediate certificates that belong to it, as handshakes take it anew each time. One from
/// files follows them: what certbot or Kubernetes puts in their place is used by handshakes within a second, connections that are open keep
/// theirs. Thread-safe; may be shared by listeners and dialers.
/// </summary>
/// <remarks>The library derives from it; programs cannot. A minor version may add members.</remarks>
public abstract class TlsCertificate
{
    /// <summary>How long a look at files counts: they are new to handshakes within a second.</summary>
    internal static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan DevelopmentLifetime = TimeSpan.FromDays(90);

    private readonly string _name;

    private protected TlsCertificate(string name) => _name = name;

    /// <summary>The certificate that new handshakes take. It is not the caller's to dispose of.</summary>
    public X509Certificate2 Certificate => Fresh().Certificate;

    /// <summary>When the certificate that new handshakes take expires.</summary>
    public DateTimeOffset NotAfter => new(Fresh().Certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);

    /// <summary>
    /// Days until then, by the clock of the server or client that uses it; negative when it is past. The gauge
    /// <c>socketkit.tls.certificate.expiry</c> has it in seconds, of certificates that a listener uses.
    /// </summary>
    public double DaysToExpiry => (NotAfter - TimeProvider.GetUtcNow()).TotalDays;

    private protected ILogger Logger { get; private set; } = NullLogger.Instance;

    private protected TimeProvider TimeProvider { get; private set; } = TimeProvider.System;

    /// <summary>
    /// From PEM files (RFC 7468), which are looked at twice a second while they are in use, through symbolic links. When new contents
    /// cannot be loaded, the certificate from before stays in use, and the log says so.
    /// </summary>
    /// <param name="certificateFile">The certificate first, then the intermediate ones, if any: certbot's <c>fullchain.pem</c>, Kubernetes'
    /// <c>tls.crt</c>.</param>
    /// <param name="keyFile">The private key: <c>privkey.pem</c>, <c>tls.key</c>. Null: it is in the certificate's file.</param>
    /// <param name="password">The password of an encrypted key, or null.</param>
    /// <exception cref="TlsCertificateException">A file cannot be read, or what it holds is not a certificate and its key; the message
    /// names it.</exception>
    public static TlsCertificate FromPem(string certificateFile, string? keyFile = null, string? password = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(certificateFile);
        return new TlsCertificateFile([certificateFile, keyFile ?? certificateFile], contents => Pem(contents[0], contents[1], password));
    }

    /// <summary>
    /// From a PFX file (PKCS #12, RFC 7292), which is looked at twice a second while it is in use, through symbolic links. When new
    /// contents cannot be loaded, the certificate from before stays in use, and the log says so.
    /// </summary>
    /// <param name="file">The file: a certificate with its key, and the intermediate ones, if any.</param>
    /// <param name="password">Its password, or null.</param>
    /// <exception cref="TlsCertificateException">The file cannot be read, or what it holds is not a certificate and its key; the message
    /// names it.</exception>
    public static TlsCertificate FromPfx(string file, string? password = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(file);
        return new TlsCertificateFile([file], contents => Pfx(contents[0], password));
    }

    /// <summary>One that the program has in its hands, and keeps for as long as it is in use.</summary>
    /// <param name="certificate">With its private key.</param>
    /// <param name="intermediates">The certificates between it and a root, or null.</param>
    /// <exception cref="TlsCertificateException">The private key is missing.</exception>
    public static TlsCertificate From(X509Certificate2 certificate, X509Certificate2Collection? intermediates = null)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new FixedCertificate(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), new Loaded(certificate, intermediates));
    }

    /// <summary>
    /// Makes a self-signed certificate for development, good for 90 days and for this process: nobody trusts it but who is given it
    /// (<see cref="ExportPem"/>) as <see cref="TlsDialOptions.Authorities"/>.
    /// </summary>
    /// <param name="names">Host names and IP addresses; none: <c>localhost</c>, <c>127.0.0.1</c> and <c>::1</c>.</param>
    public static TlsCertificate CreateDevelopment(params IEnumerable<string> names)
    {
        string[] all = [.. names];
        if (all.Length == 0)
        {
            all = ["localhost", "127.0.0.1", "::1"];
        }

        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in all)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName("CN=SocketKit development"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(alternatives.Build());
        var now = DateTimeOffset.UtcNow;
        using var made = request.CreateSelfSigned(now.AddHours(-1), now + DevelopmentLifetime);
        return new FixedCertificate("development", new Loaded(ForHandshakes(made), null));
    }

    /// <summary>The certificate alone, without its key, as PEM: what is given to those who shall trust it.</summary>
    public string ExportPem() => Certificate.ExportCertificatePem();

    /// <summary>The file, or the name that it is for.</summary>
    public override string ToString() => _name;

    /// <summary>Where it logs, and by which clock it looks at its files, from now on: a certificate may be shared.</summary>
    internal void Use(TransportServices services)
    {
        Logger = services.Logger;
        TimeProvider = services.TimeProvider;
    }

    /// <summary>Tells, once, that others can read or write the key's file.</summary>
    internal virtual void WarnOfSharedKey()
    {
    }

    /// <summary>From now on a key whose file others can read or write is refused. One that is in use already stays.</summary>
    /// <returns>Why the present one is refused, or null.</returns>
    internal virtual string? RefuseSharedKey() => null;

    /// <summary>What a new handshake takes.</summary>
    internal abstract Loaded Fresh();

    internal void WarnIfExpired()
    {
        if (DaysToExpiry < 0)
        {
            Log.CertificateExpired(Logger, _name, NotAfter);
        }
    }

    private static Loaded Pem(byte[] certificateFile, byte[] keyFile, string? password)
    {
        var text = System.Text.Encoding.ASCII.GetString(certificateFile);
        const byte Sequence = 0x30;
        if (certificateFile is [Sequence, ..] || keyFile is [Sequence, ..])
        {
            throw new CryptographicException("It is no PEM; if it is PFX, load it with FromPfx, or as .pfx in an address.");
        }

        var key = System.Text.Encoding.ASCII.GetString(keyFile);
        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new CryptographicException("There is no private key in PEM; give the key's file beside the certificate's.");
        }

        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(text);
        using var own = password is null ? X509Certificate2.CreateFromPem(text, key) : X509Certificate2.CreateFromEncryptedPem(text, key, password);
        chain[0].Dispose();
        chain.RemoveAt(0);
        return new Loaded(ForHandshakes(own), chain);
    }

    private static Loaded Pfx(byte[] file, string? password)
    {
        if (file.AsSpan().StartsWith("-----BEGIN"u8))
        {
            throw new CryptographicException("It is PEM and not PFX; load it with FromPem, or as .pem in an address.");
        }

        var all = X509CertificateLoader.LoadPkcs12Collection(file, password);
        var own = all.FirstOrDefault(certificate => certificate.HasPrivateKey) ?? throw new CryptographicException("It holds no certificate with a private key.");
        all.Remove(own);
        return new Loaded(own, all);
    }

    /// <summary>A copy that lives by itself. On Windows, a key in memory alone is not good enough for handshakes.</summary>
    private static X509Certificate2 ForHandshakes(X509Certificate2 certificate) =>
        OperatingSystem.IsWindows() ? X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null) : new X509Certificate2(certificate);

    /// <summary>
    /// A certificate as SslStream takes it. What was in use before is left to the collector: handshakes may still be at it.
    /// </summary>
    internal sealed class Loaded
    {
        /// <exception cref="TlsCertificateException">The private key is missing.</exception>
        public Loaded(X509Certificate2 certificate, X509Certificate2Collection? intermediates)
        {
            if (!certificate.HasPrivateKey)
            {
                throw new TlsCertificateException("The certificate has no private key; load it together with its key");
            }

            Certificate = certificate;

            // Offline: what is missing in the chain is not fetched from where the certificate says.
            try
            {
                Context = SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
            }
            catch (CryptographicException exception)
            {
                // The system says no more than that.
                throw new TlsCertificateException($"The chain of the certificate and {intermediates?.Count ?? 0} others cannot be built; give the intermediate ones alone, and no more of them than there are", exception);
            }
        }

        public X509Certificate2 Certificate { get; }

        public SslStreamCertificateContext Context { get; }
    }

    private sealed class FixedCertificate(string name, Loaded loaded) : TlsCertificate(name)
    {
        internal override Loaded Fresh() => loaded;
    }
}

/// <summary>A certificate or its key cannot be loaded; the message names the file and says what is wrong.</summary>
public sealed class TlsCertificateException : SocketKitException
{
    /// <summary>Makes one with a message.</summary>
    public TlsCertificateException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one with a message and what caused it.</summary>
    public TlsCertificateException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
