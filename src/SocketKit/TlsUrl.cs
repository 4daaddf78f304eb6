using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit;

/// <summary>The parameters of <c>tls://</c>: files with certificates. Without any, the options that the program gives hold.</summary>
internal static class TlsUrl
{
    /// <summary>Of a server: <c>cert</c> and <c>key</c>, and <c>ca</c> if clients must show a certificate of somebody in there. Null: the URL has none of them.</summary>
    /// <exception cref="TlsCertificateException">A file cannot be loaded.</exception>
    public static TlsListenOptions? Listening(SocketUrl url)
    {
        var certificate = Certificate(url);
        var authorities = url.Text("ca");
        if (certificate is null)
        {
            return authorities is null ? null : throw url.Wrong("ca, for the certificates of clients, stands beside cert, the server's own");
        }

        var options = new TlsListenOptions { Certificate = certificate };
        if (authorities is not null)
        {
            options.ClientCertificateMode = ClientCertificateMode.Required;
            Load(authorities, options.ClientAuthorities);
        }

        return options;
    }

    /// <summary>Of a client: <c>ca</c>, whom to trust; <c>name</c>, whom the certificate must be for; <c>cert</c> and <c>key</c>, its own. Null: the URL has none of them.</summary>
    /// <exception cref="TlsCertificateException">A file cannot be loaded.</exception>
    public static TlsDialOptions? Dialling(SocketUrl url)
    {
        var authorities = url.Text("ca");
        var name = url.Text("name");
        var certificate = Certificate(url);
        if (authorities is null && name is null && certificate is null)
        {
            return null;
        }

        var options = new TlsDialOptions { ServerName = name, Certificate = certificate };
        if (authorities is not null)
        {
            Load(authorities, options.Authorities);
        }

        return options;
    }

    private static TlsCertificate? Certificate(SocketUrl url)
    {
        var certificate = url.Text("cert");
        var key = url.Text("key");
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

    private static void Load(string file, X509Certificate2Collection authorities)
    {
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new TlsCertificateException($"{file} cannot be loaded: {exception.Message}", exception);
        }

        if (authorities.Count == 0)
        {
            throw new TlsCertificateException($"{file} holds no certificate in PEM");
        }
    }
}
