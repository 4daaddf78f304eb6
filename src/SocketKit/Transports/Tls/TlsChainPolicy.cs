using System.Security.Cryptography.X509Certificates;

namespace SocketKit.Transports.Tls;

/// <summary>How chains of certificates are judged on both sides. Nothing of a peer's choosing is fetched.</summary>
internal static class TlsChainPolicy
{
    /// <summary>One for each chain: whoever builds it adds to it. Revocation is not asked for (<see cref="TlsRevocation"/>).</summary>
    /// <param name="authorities">The only roots that are trusted; empty: those of the system.</param>
    public static X509ChainPolicy Create(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,

            // A peer must send its intermediate certificates: fetching them from where its certificate says is a request of its choice.
            DisableCertificateDownloads = true,
        };
        if (authorities.Count > 0)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(authorities);
        }

        return policy;
    }
}
