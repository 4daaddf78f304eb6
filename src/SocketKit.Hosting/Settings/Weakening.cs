namespace SocketKit.Hosting.Settings;

/// <summary>
/// Compares what addresses from configuration ask of connections with what those that they replace have asked. To ask less is the
/// operator's right, and is told.
/// </summary>
internal static class Weakening
{
    private static readonly (WireProtection Part, string Text)[] Texts =
    [
        (WireProtection.Confidential, "encryption"),
        (WireProtection.ValidatesCertificate, "a look at the peer's certificate"),
        (WireProtection.RequiresCertificate, "a certificate of every peer"),
        (WireProtection.OwnAuthorities, "authorities of its own"),
        (WireProtection.ChecksRevocation, "revocation"),
        (WireProtection.ChecksPeers, "AcceptPeer"),
        (WireProtection.LimitsUsers, "permissions"),
    ];

    /// <summary>
    /// What the program asks for and configuration does not: of all addresses, or of any. Permissions are a matter of Unix sockets alone,
    /// so to take the only one away is no loss.
    /// </summary>
    /// <returns>The parts, for people; null: nothing is missing.</returns>
    public static string? Of(IReadOnlyCollection<WireProtection> program, IReadOnlyCollection<WireProtection> configured)
    {
        if (program.Count == 0 || configured.Count == 0)
        {
            return null;
        }

        var missing = (All(program) & ~All(configured)) | (Any(program) & ~Any(configured) & ~WireProtection.LimitsUsers);
        return missing == WireProtection.None ? null : string.Join(", ", Texts.Where(text => (missing & text.Part) != 0).Select(text => text.Text));
    }

    private static WireProtection All(IEnumerable<WireProtection> some) => some.Aggregate((all, one) => all & one);

    private static WireProtection Any(IEnumerable<WireProtection> some) => some.Aggregate((all, one) => all | one);
}
