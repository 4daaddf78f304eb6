namespace SocketKit;

/// <summary>
/// A TLS handshake failed, or a session broke; <see cref="Failure"/> says why. It is the exception of a <see cref="CloseReason"/>: of a
/// <see cref="CloseKind.OpenFailed"/> in most cases.
/// </summary>
public sealed class TlsException : SocketKitException
{
    /// <summary>Makes one.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <param name="message">More for people; what the peer said is escaped.</param>
    /// <param name="innerException">What was thrown underneath, or null.</param>
    public TlsException(TlsFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>What went wrong.</summary>
    public TlsFailure Failure { get; }
}

/// <summary>Why a TLS handshake failed, or a session broke.</summary>
public enum TlsFailure
{
    /// <summary>Nothing is said. No handshake fails with it.</summary>
    None = 0,

    /// <summary>
    /// The two ends did not come to terms: no common version, cipher suite or application protocol, or bytes that are broken. The inner
    /// exception knows more.
    /// </summary>
    HandshakeFailed = 1,

    /// <summary>What the peer sends is not TLS.</summary>
    NotTls = 2,

    /// <summary>The peer ended the stream in the middle of the handshake.</summary>
    PeerLeft = 3,

    /// <summary>
    /// The peer refused, by an alert that the message names: it does not like our certificate, our versions or our name, say. A server that
    /// refuses the client's certificate may do so after the client has finished its handshake, and on Linux .NET sends no alert then: the
    /// connection opens, and ends at once.
    /// </summary>
    PeerRefused = 4,

    /// <summary>Bytes came in an open session that are not the peer's: they were changed on the way, or it is broken.</summary>
    BrokenRecord = 5,

    /// <summary>The server has no certificate for the name that the client asked for.</summary>
    UnknownServerName = 6,

    /// <summary>A certificate is required, and the peer gave none.</summary>
    CertificateMissing = 7,

    /// <summary>The peer's certificate, or one that vouches for it, is past its time.</summary>
    CertificateExpired = 8,

    /// <summary>The time of the peer's certificate, or of one that vouches for it, has not begun.</summary>
    CertificateNotYetValid = 9,

    /// <summary>The peer's certificate is for other names than the one that was dialled.</summary>
    CertificateNameMismatch = 10,

    /// <summary>Nobody who is trusted vouches for the peer's certificate.</summary>
    CertificateUntrusted = 11,

    /// <summary>The peer's certificate is revoked.</summary>
    CertificateRevoked = 12,

    /// <summary>It was to be checked whether the certificate is revoked, and nobody could tell.</summary>
    CertificateRevocationUnknown = 13,

    /// <summary>The peer's certificate is not fit for this use, or broken.</summary>
    CertificateInvalid = 14,

    /// <summary>The application's <c>AcceptPeer</c> refused a certificate that had passed validation.</summary>
    CertificateRefused = 15,

    /// <summary>The peer flooded an open session with records that bring no data, such as renewals of its keys.</summary>
    TooManyEmptyRecords = 16,
}
