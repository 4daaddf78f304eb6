using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SocketKit.Transports.Tls;

namespace SocketKit;

/// <summary>
/// The parameters of <c>tls://</c>: files with certificates. What the URL says overrides what the program says, option by option, in a
/// copy; what it does not say stays, so that it does not weaken in passing what the program insists on.
/// </summary>
internal static class TlsUrl
{
    /// <summary>Of a server: <c>cert</c> and <c>key</c>, and <c>ca</c> if clients must show a certificate of somebody in there.</summary>
    /// <returns>A copy, which may lack a certificate if neither side has one.</returns>
    /// <exception cref="TlsCertificateException">A file cannot be loaded.</exception>
    public static TlsListenOptions Listening(SocketUrl url, TlsListenOptions? program)
    {
        var options = program?.Copy() ?? new TlsListenOptions();
        options.Certificate = Certificate(url) ?? options.Certificate;
        if (url.Text("ca") is { } authorities)
        {
            if (LacksCertificate(options))
            {
                throw url.Wrong("ca, for the certificates of clients, stands beside cert, the server's own");
            }

            options.ClientCertificateMode = ClientCertificateMode.Required;
            Load(authorities, options.ClientAuthorities, options.RefuseSharedKey);
        }

        return options;
    }

    public static bool LacksCertificate(TlsListenOptions options) => options.Certificate is null && options.ServerNames.Count == 0;

    /// <summary>
    /// Of a client: <c>ca</c>, whom to trust; <c>name</c>, whom the certificate must be for; <c>cert</c> and <c>key</c>, its own.
    /// </summary>
    /// <returns>A copy.</returns>
    /// <exception cref="TlsCertificateException">A file cannot be loaded.</exception>
    public static TlsDialOptions Dialling(SocketUrl url, TlsDialOptions? program)
    {
        var options = program?.Copy() ?? new TlsDialOptions();
        if (url.Text("ca") is { } authorities)
        {
            Load(authorities, options.Authorities, options.RefuseSharedKey);
        }

        options.ServerName = url.Text("name") ?? options.ServerName;
        options.Certificate = Certificate(url) ?? options.Certificate;
        return options;
    }

    private static TlsCertificate? Certificate(SocketUrl url)
    {
        var certificate = url.Text("cert");
        var key = url.Text("key");
        if (certificate?.Contains("-----", StringComparison.Ordinal) == true || key?.Contains("-----", StringComparison.Ordinal) == true)
        {
            throw url.Wrong("cert and key are paths of files, and not what the files hold");
        }

        if (certificate is null)
        {
            return key is null ? null : throw url.Wrong("key stands beside cert, the certificate that it belongs to");
        }

        if (Path.GetExtension(certificate).ToLowerInvariant() is not (".pfx" or ".p12"))
        {
            return TlsCertificate.FromPem(certificate, key);
        }

        return key is null ? TlsCertificate.FromPfx(certificate) : throw url.Wrong($"the key is in {certificate} as well, so there is no parameter key");
    }

    /// <summary>Replaces the authorities by those of the file.</summary>
    private static void Load(string file, X509Certificate2Collection authorities, bool refuseShared)
    {
        authorities.Clear();
        try
        {
            var contents = CertificateContents.Read(file, out var others);
            if (refuseShared && others.Write)
            {
                throw new TlsCertificateException($"{file} cannot be loaded: other users can write it ({others.How}), and RefuseSharedKey is set");
            }

            authorities.ImportFromPem(System.Text.Encoding.ASCII.GetString(contents));
        }
        catch (Exception exception) when (exception is (IOException and not TlsCertificateException) or UnauthorizedAccessException or CryptographicException)
        {
            throw new TlsCertificateException($"{file} cannot be loaded: {exception.Message}", exception);
        }

        if (authorities.Count == 0)
        {
            throw new TlsCertificateException($"{file} holds no certificate in PEM");
        }
    }
}
