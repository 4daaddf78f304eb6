namespace SocketKit;

/// <summary>What moves the bytes of TCP connections.</summary>
public enum SocketEngine
{
    /// <summary>
    /// The fastest that this system has: <see cref="Epoll"/> on Linux, <see cref="Sockets"/> elsewhere, or where the kernel or the sandbox
    /// refuses epoll. The default.
    /// </summary>
    Auto = 0,

    /// <summary>
    /// Event loops of our own over Linux's epoll, one for each processor. Handlers run on the loops' threads; one that blocks is noticed
    /// within 20 ms, and another thread takes its loop over. x64 and arm64.
    /// </summary>
    Epoll = 1,

    /// <summary>The portable engine over <see cref="System.Net.Sockets.Socket"/>. Handlers run on the thread pool.</summary>
    Sockets = 2,
}
