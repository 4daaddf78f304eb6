using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit.Transports.Tls;

/// <summary>
/// Asks the network whether a certificate is revoked, once everything else is right with it. A request goes where the certificate says (RFC
/// 5280 section 4.2.1.13), so it is made only for a chain whose root is trusted: then a trusted authority chose the address, and not
/// whoever connects. Immutable, thread-safe.
/// </summary>
internal sealed class TlsRevocation(X509Certificate2Collection authorities)
{
    /// <summary>How long one answer may take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Blocks while it asks; the system keeps lists until they expire.</summary>
    /// <param name="certificate">The peer's.</param>
    /// <param name="trusted">Its chain, valid but for revocation.</param>
    /// <param name="usage">What the certificate must be good for.</param>
    /// <returns>What is wrong; none: it is not revoked.</returns>
    public X509ChainStatusFlags Ask(X509Certificate2 certificate, X509Chain trusted, Oid usage)
    {
        using var chain = new X509Chain
        {
            ChainPolicy = TlsChainPolicy.Create(authorities),
        };
        chain.ChainPolicy.RevocationMode = X509RevocationMode.Online;
        chain.ChainPolicy.RevocationFlag = X509RevocationFlag.ExcludeRoot;
        chain.ChainPolicy.UrlRetrievalTimeout = Patience;
        chain.ChainPolicy.ApplicationPolicy.Add(usage);
        foreach (var element in trusted.ChainElements)
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        try
        {
            return chain.Build(certificate) ? X509ChainStatusFlags.NoError : chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }
}
