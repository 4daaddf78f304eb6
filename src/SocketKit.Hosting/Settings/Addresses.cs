using System.Globalization;

namespace SocketKit.Hosting.Settings;

/// <summary>Addresses as URLs.</summary>
internal static class Addresses
{
    public static Listener Listen(string url)
    {
        var (host, port) = Parse(url);
        return host == "*" ? SocketKit.Listen.Tcp(port) : SocketKit.Listen.Tcp(host, port);
    }

    public static Dialer Dial(string url)
    {
        var (host, port) = Parse(url);
        return SocketKit.Dial.Tcp(host, port);
    }

    private static (string Host, int Port) Parse(string url)
    {
        var colon = url.LastIndexOf(':');
        return url.StartsWith("tcp://", StringComparison.OrdinalIgnoreCase) && colon > 6 && int.TryParse(url.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? (url[6..colon].Trim('[', ']'), port)
            : throw new ArgumentException($"\"{url}\" is no address; type tcp://127.0.0.1:9000, say");
    }
}
