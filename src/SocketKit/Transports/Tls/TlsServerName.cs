using System.Globalization;

namespace SocketKit.Transports.Tls;

/// <summary>The names that clients ask for (SNI, RFC 6066) in one form, so that two spellings of a name are one.</summary>
internal static class TlsServerName
{
    private static readonly IdnMapping Mapping = new();

    /// <summary>Without the dot of an absolute name: SNI has none.</summary>
    public static string WithoutDot(string name) => name.Length > 1 && name[^1] == '.' ? name[..^1] : name;

    /// <summary>
    /// It can be asked for, and be in a certificate: an IP address, or labels of 1 to 63 bytes with dots between (RFC 1035 section 2.3.4).
    /// </summary>
    public static bool IsPossible(string name)
    {
        if (System.Net.IPAddress.TryParse(name, out _))
        {
            return !name.Contains('[', StringComparison.Ordinal);
        }

        try
        {
            var ascii = Mapping.GetAscii(WithoutDot(name));
            return ascii.Length is > 0 and <= 253 && ascii[^1] != '.' && Uri.CheckHostName(ascii) == UriHostNameType.Dns;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Without that dot, and in ASCII (<c>xn--</c>), as the name is on the wire. What cannot be written so stays as it
    /// is.</summary>
    public static string Normalize(string name)
    {
        name = WithoutDot(name);
        if (System.Text.Ascii.IsValid(name))
        {
            return name;
        }

        var wildcard = name.StartsWith("*.", StringComparison.Ordinal) ? 2 : 0;
        try
        {
            return string.Concat(name.AsSpan(0, wildcard), Mapping.GetAscii(name, wildcard));
        }
        catch (ArgumentException)
        {
            return name;
        }
    }
}
