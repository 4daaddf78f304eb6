namespace SocketKit;

/// <summary>How the transport of <see cref="SocketKitTransportExtensions"/> listens, dials and closes. Read and checked once, when the application starts: what is out of range ends the start with an <see cref="OptionsException"/>.</summary>
public sealed class SocketKitTransportOptions
{
    /// <summary>The engine of the connections. Default: <see cref="SocketEngine.Auto"/>.</summary>
    public SocketEngine Engine { get; set; }

    /// <summary>How many connections may wait in the kernel to be accepted; the system may allow fewer (Linux: net.core.somaxconn). Default: 512. At least 1.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Lets other processes of the same user listen on the same addresses at once (SO_REUSEPORT, Linux). Default: false.</summary>
    public bool ReusePort { get; set; }

    /// <summary>How long the end of a connection waits until the peer has taken what is left to send; then it is aborted. Default: 10 s. Above zero and below 24 days.</summary>
    public TimeSpan FlushTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the end of a connection waits, after the last byte and the end of the stream are sent, for the peer to finish too; what still comes is read and thrown away. Default: 1 s. Above zero and below 24 days.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock of these times. Default: the system's; never null. Tests give a fake.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
