namespace SocketKit;

/// <summary>How a TCP address is listened on. Copied when it is given to <see cref="Listen"/>.</summary>
public sealed class TcpListenOptions
{
    /// <summary>The engine of the accepted connections. Default: <see cref="SocketEngine.Auto"/>.</summary>
    public SocketEngine Engine { get; set; }

    /// <summary>Lets other listeners, also those of other processes of the same user, listen on the same address at once; the kernel deals new connections out among them (SO_REUSEPORT, Linux). Default: false, since a second server on the
    /// address by accident should fail and not take half of the connections.</summary>
    public bool ReusePort { get; set; }

    /// <summary>How many connections may wait in the kernel to be accepted; the system may allow fewer (Linux: net.core.somaxconn). Default: 512. At least 1.</summary>
    public int Backlog { get; set; } = 512;
}
