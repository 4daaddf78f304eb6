namespace SocketKit.AspNetCore.Pipes;

/// <summary>Where a caller stands who flushes.</summary>
internal enum FlushPlace
{
    /// <summary>Not on the stack of a read's continuation: others may flush at the same time, and nothing tells when they have.</summary>
    Elsewhere,

    /// <summary>On the stack of a read's continuation, and all input is consumed: what it flushes is its last word.</summary>
    InputUsedUp,

    /// <summary>On the stack of a read's continuation that has input left: it goes on to the next request without waiting, so that what
    /// it flushes may wait for what it flushes next.</summary>
    InputGoesOn,
}
