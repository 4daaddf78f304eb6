using System.Net.Sockets;
using System.Text;

namespace SocketKit.Transports.StreamSockets;

/// <summary>The name of a Unix socket, checked: the path of a file, or <c>@name</c> in Linux's abstract namespace.</summary>
internal static class UnixPath
{
    /// <summary>What struct sockaddr_un has room for, without the zero at the end.</summary>
    public static int MaxLength { get; } = OperatingSystem.IsMacOS() ? 103 : 107;

    /// <summary>The name is one of the abstract namespace.</summary>
    public static bool IsAbstract(string path) => path.StartsWith('@');

    /// <summary>Checks a path as users give it; <c>\0name</c>, as .NET and the kernel have it, is the same as <c>@name</c>.</summary>
    /// <exception cref="ArgumentException">It is empty, too long or holds a zero.</exception>
    /// <exception cref="PlatformNotSupportedException">It is abstract, and this is not Linux; or this system has no Unix
    /// sockets.</exception>
    public static string Check(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = path[0] == '\0' ? "@" + path[1..] : path;
        if (!Socket.OSSupportsUnixDomainSockets)
        {
            throw new PlatformNotSupportedException("This system has no Unix-domain sockets");
        }

        if (IsAbstract(path) && !OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException($"{path}: only Linux has abstract Unix sockets; for a file of this name, type ./{path}");
        }

        return WhyNot(path) is { } why ? throw new ArgumentException(why, nameof(path)) : path;
    }

    /// <summary>What is wrong with a path that is not empty, for people; null: nothing.</summary>
    public static string? WhyNot(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return $"the path of a Unix socket must not hold a zero: {path.Replace("\0", "\\0", StringComparison.Ordinal)}";
        }

        if (path == "@")
        {
            return "an abstract Unix socket needs a name behind the @";
        }

        // The @ stands for the zero in front, which counts.
        var length = Encoding.UTF8.GetByteCount(path);
        return length > MaxLength ? $"the path of a Unix socket has room for {MaxLength} bytes on this system, and {path} takes {length}; type a shorter or a relative one" : null;
    }
}
