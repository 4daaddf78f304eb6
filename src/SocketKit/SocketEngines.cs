using SocketKit.Transports.Epoll;

namespace SocketKit;

/// <summary>Which engine serves here.</summary>
internal static class SocketEngines
{
    /// <summary>The engine behind a choice; never <see cref="SocketEngine.Auto"/>.</summary>
    /// <param name="asked">The choice.</param>
    /// <param name="options">The options' name, for errors.</param>
    public static SocketEngine Choose(SocketEngine asked, string options) => asked switch
    {
        SocketEngine.Auto => EpollEngine.IsSupported ? SocketEngine.Epoll : SocketEngine.Sockets,
        SocketEngine.Sockets => SocketEngine.Sockets,
        SocketEngine.Epoll when EpollEngine.IsSupported => SocketEngine.Epoll,
        SocketEngine.Epoll => throw new PlatformNotSupportedException($"{options}.Engine: SocketEngine.Epoll needs Linux on x64 or arm64, and a kernel that offers epoll; type SocketEngine.Auto"),
        _ => throw new OptionsException(options + ".Engine", $"{asked} is none; type SocketEngine.Auto"),
    };
}
