using System.Diagnostics;

namespace SocketKit;

/// <summary>
/// How the transport of <see cref="SocketKitTransportExtensions"/> listens, dials and closes. Read and checked once, when the application
/// starts: what is out of range ends the start with an <see cref="OptionsException"/>.
/// </summary>
[DebuggerDisplay("{Engine}, backlog {Backlog}, keep-alive {KeepAlive}")]
public sealed class SocketKitTransportOptions
{
    /// <summary>The engine of the connections. Default: <see cref="SocketEngine.Auto"/>.</summary>
    public SocketEngine Engine { get; set; }

    /// <summary>
    /// How many connections may wait in the kernel to be accepted; the system may allow fewer (Linux: net.core.somaxconn). Default: 512. At
    /// least 1.
    /// </summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Lets other processes of the same user listen on the same addresses at once (SO_REUSEPORT, Linux). Default: false.</summary>
    public bool ReusePort { get; set; }

    /// <summary>
    /// Has the kernel ask a peer that is silent for 6 to 10 s whether it is still there (TCP keep-alive): one that does not answer is found
    /// in 30 s without a byte of the application's. Default: false, as on Kestrel's own transport.
    /// </summary>
    public bool KeepAlive { get; set; }

    /// <summary>After what time the kernel drops a connection whose peer takes or acknowledges none of the bytes that were sent
    /// (TCP_USER_TIMEOUT, Linux; without effect elsewhere). It does not tell a dead peer from a live one that only does not
    /// read, a paused download for instance. Default: <see cref="Timeout.InfiniteTimeSpan"/>, the kernel's own rule, as on Kestrel's own
    /// transport. Else above zero and below 24 days.</summary>
    public TimeSpan UserTimeout { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>How long the end of a connection waits until the peer has taken what is left to send; then it is aborted. Default: <see
    /// cref="Timeout.InfiniteTimeSpan"/>, as on Kestrel's own transport. Else above zero and below 24 days.</summary>
    public TimeSpan FlushTimeout { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long the end of a connection waits, after the last byte and the end of the stream are sent, for the peer to finish too; what
    /// still comes is read and thrown away. Default: 1 s. Above zero and below 24 days.
    /// </summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock of these times. Default: the system's; never null. Tests give a fake.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
