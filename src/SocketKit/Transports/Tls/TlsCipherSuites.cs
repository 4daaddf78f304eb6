using System.Net.Security;
using System.Security.Authentication;

namespace SocketKit.Transports.Tls;

/// <summary>Cipher suites that a program chooses itself.</summary>
internal static class TlsCipherSuites
{
    /// <summary>
    /// The numbers of TLS 1.3's (RFC 8446 appendix B.4) stand together; they name no key exchange, and so serve no other version.
    /// </summary>
    private const int FirstOf13 = 0x1301;
    private const int LastOf13 = 0x13ff;

    /// <returns>What SslStream takes; null: the system's choice.</returns>
    /// <exception cref="OptionsException">A suite is unknown, or a version has none.</exception>
    /// <exception cref="PlatformNotSupportedException">This system does not let programs choose.</exception>
    public static CipherSuitesPolicy? Create(string option, IList<TlsCipherSuite> suites, SslProtocols protocols)
    {
        if (suites.Count == 0)
        {
            return null;
        }

        foreach (var suite in suites)
        {
            if (!Enum.IsDefined(suite))
            {
                throw new OptionsException(option, $"{suite} is no cipher suite; type TlsCipherSuite.TLS_AES_256_GCM_SHA384, say");
            }
        }

        Check(SslProtocols.Tls13, suites.Any(IsOf13), "1.3", nameof(TlsCipherSuite.TLS_AES_256_GCM_SHA384));
        Check(SslProtocols.Tls12, suites.Any(suite => !IsOf13(suite)), "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, or with RSA as your key is");
        if (OperatingSystem.IsWindows() || OperatingSystem.IsAndroid())
        {
            throw new PlatformNotSupportedException($"{option}: this system chooses the cipher suites of all programs; set them there");
        }

        return new CipherSuitesPolicy(suites);

        void Check(SslProtocols version, bool has, string name, string example)
        {
            if ((protocols & version) != 0 && !has)
            {
                throw new OptionsException(option, $"holds no cipher suite of TLS {name}, which Protocols allow; add TlsCipherSuite.{example}, or leave the version out of Protocols");
            }
        }
    }

    private static bool IsOf13(TlsCipherSuite suite) => (int)suite is >= FirstOf13 and <= LastOf13;
}
