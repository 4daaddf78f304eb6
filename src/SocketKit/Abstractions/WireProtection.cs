namespace SocketKit;

/// <summary>
/// What a listener or a dialer asks of its wires, before a program has seen a byte. <see cref="Listener.Protection"/> and
/// <see cref="Dialer.Protection"/> tell it.
/// </summary>
[Flags]
public enum WireProtection
{
    /// <summary>Nothing, or nothing that is known: plain TCP.</summary>
    None = 0,

    /// <summary>Nobody on the way can read or change what is sent: TLS, or a wire that does not leave the machine.</summary>
    Confidential = 1,

    /// <summary>The peer is asked for a certificate, and one that it shows must be valid.</summary>
    ValidatesCertificate = 2,

    /// <summary>A peer without a valid certificate is refused.</summary>
    RequiresCertificate = 4,

    /// <summary>Certificates must be of authorities that the program names; those that the system trusts do not count.</summary>
    OwnAuthorities = 8,

    /// <summary>A certificate that is revoked is refused.</summary>
    ChecksRevocation = 16,

    /// <summary>The program looks at each certificate, and may refuse it.</summary>
    ChecksPeers = 32,

    /// <summary>Permissions say which users of the machine may connect.</summary>
    LimitsUsers = 64,
}
