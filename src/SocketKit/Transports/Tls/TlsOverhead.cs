using System.Net.Security;
using System.Security.Authentication;

namespace SocketKit.Transports.Tls;

/// <summary>What the protection of a record takes: the most that an honest one without padding has beside its data, in bytes.</summary>
internal static class TlsOverhead
{
    /// <summary>By the names of the suites, which say how they protect.</summary>
    public static int Of(SslProtocols protocol, TlsCipherSuite suite)
    {
        const int Tag = 16;
        const int ShortTag = 8;
        const int Type = 1;
        const int ExplicitNonce = 8;
        const int OfBlockCiphers = 16 + 48 + 16;
        var name = suite.ToString();
        var tag = name.Contains("CCM_8", StringComparison.Ordinal) ? ShortTag : Tag;
        return protocol == SslProtocols.Tls13 ? tag + Type
            : name.Contains("CBC", StringComparison.Ordinal) ? OfBlockCiphers
            : name.Contains("CHACHA20", StringComparison.Ordinal) ? tag
            : tag + ExplicitNonce;
    }
}
