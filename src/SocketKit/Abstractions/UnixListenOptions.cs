using System.Diagnostics;

namespace SocketKit;

/// <summary>How a Unix-domain socket is listened on. Copied when it is given to <see cref="Listen"/>.</summary>
[DebuggerDisplay("{Engine}, backlog {Backlog}")]
public sealed class UnixListenOptions
{
    /// <summary>The engine of the accepted connections. Default: <see cref="SocketEngine.Auto"/>.</summary>
    public SocketEngine Engine { get; set; }

    /// <summary>
    /// Who may connect: the permissions of the socket file, of which Linux and macOS look at the write bits. They hold from the moment on
    /// that the file can be connected to, whatever the process's umask. Default: null, the owner alone (0600). Abstract names have none, so
    /// everybody in the same network namespace may connect to them; nor has Windows, where the folder's access list decides.
    /// </summary>
    public UnixFileMode? Permissions { get; set; }

    /// <summary>
    /// Linux: listens also in a folder that every user can write and rename in (no sticky bit, unlike /tmp), or that another user than root
    /// and this one owns, and logs a warning (event 63). Whoever can write the folder can put a socket of his own in the place of this one.
    /// Default: false, such a folder is refused.
    /// </summary>
    public bool AllowSharedFolder { get; set; }

    /// <summary>
    /// How many connections may wait in the kernel to be accepted; the system may allow fewer (Linux: net.core.somaxconn). Default: 512. At
    /// least 1.
    /// </summary>
    public int Backlog { get; set; } = 512;
}
