using System.Diagnostics;

namespace SocketKit;

/// <summary>How a TCP address is dialled. Copied when it is given to <see cref="Dial"/>.</summary>
[DebuggerDisplay("{Engine}, keep-alive {KeepAlive}")]
public sealed class TcpDialOptions
{
    /// <summary>The engine of the connection. Default: <see cref="SocketEngine.Auto"/>.</summary>
    public SocketEngine Engine { get; set; }

    /// <summary>
    /// Has the kernel ask a peer that is silent for 6 to 10 s whether it is still there (TCP keep-alive): one that does not answer is found
    /// in 30 s without a byte of the application's. Default: true. False: the kernel never asks.
    /// </summary>
    public bool KeepAlive { get; set; } = true;

    /// <summary>After what time the kernel drops a connection whose peer takes or acknowledges none of the bytes that were sent
    /// (TCP_USER_TIMEOUT, Linux; without effect elsewhere). It does not tell a dead peer from a live one that only does not
    /// read. Default: null, which is 30 s, or <see cref="ConnectionOptions.SlowConsumerTimeout"/> if that is longer. Above zero and below
    /// 24 days; <see cref="Timeout.InfiniteTimeSpan"/>: the kernel's own rule, which gives up a peer that is gone
    /// after some 15 minutes, and never one that only does not read.</summary>
    public TimeSpan? UserTimeout { get; set; }
}
