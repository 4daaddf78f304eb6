using SocketKit;

namespace ReplyServer;

/// <summary>
/// A certificate for <c>tls://</c> addresses that name none: made when it is first asked for, kept in memory, gone with the process.
/// Clients trust it only when they are given the file with its public part.
/// </summary>
internal static class Development
{
    private static TlsCertificate? _certificate;

    public static Listener Listen(string url)
    {
        bool needed = url.StartsWith("tls://", StringComparison.OrdinalIgnoreCase) && !url.Contains("cert=", StringComparison.Ordinal);
        return SocketKit.Listen.Url(url, needed ? new TlsListenOptions { Certificate = _certificate ??= TlsCertificate.CreateDevelopment() } : null);
    }

    /// <summary>Writes the file for clients, if a certificate was made.</summary>
    public static string? WriteFile()
    {
        if (_certificate is null)
        {
            return null;
        }

        string folder = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "SocketKit");
        string file = Path.Combine(Directory.CreateDirectory(folder).FullName, "reply-server.pem");
        File.WriteAllText(file, _certificate.ExportPem());
        return file;
    }
}
