namespace SocketKit.Hosting.Settings;

/// <summary>Compares what addresses from configuration ask of connections with what those that they replace have asked. To ask less is the operator's right, and is told.</summary>
internal static class Weakening
{
    private static readonly (WireProtection Part, string Text)[] Texts =
    [
        (WireProtection.Private, "encryption"),
        (WireProtection.AsksForCertificate, "a look at the peer's certificate"),
        (WireProtection.RequiresCertificate, "a certificate of every peer"),
        (WireProtection.OwnAuthorities, "authorities of its own"),
        (WireProtection.ChecksRevocation, "revocation"),
        (WireProtection.AcceptsPeers, "AcceptPeer"),
        (WireProtection.LimitsUsers, "permissions"),
    ];

    /// <summary>What is asked for no more: what all of the program's addresses ask and not all of the configured ones, and what none of these asks any more.</summary>
    /// <returns>The parts, for people; null: nothing is missing.</returns>
    public static string? Of(IReadOnlyCollection<WireProtection> program, IReadOnlyCollection<WireProtection> configured)
    {
        if (program.Count == 0 || configured.Count == 0)
        {
            return null;
        }

        var missing = (All(program) & ~All(configured)) | (Any(program) & ~Any(configured));
        return missing == WireProtection.None ? null : string.Join(", ", Texts.Where(text => (missing & text.Part) != 0).Select(text => text.Text));
    }

    private static WireProtection All(IEnumerable<WireProtection> some) => some.Aggregate((all, one) => all & one);

    private static WireProtection Any(IEnumerable<WireProtection> some) => some.Aggregate((all, one) => all | one);
}
