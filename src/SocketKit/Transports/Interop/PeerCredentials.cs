using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>
/// Who holds the ends of a Unix socket, by Linux's SO_PEERCRED (unix(7)): the kernel notes it when the connection is made, and a peer
/// cannot choose it.
/// </summary>
internal static partial class PeerCredentials
{
    /// <summary>SOL_SOCKET and SO_PEERCRED of the kernel's generic ABI, which x64 and arm64 share.</summary>
    public const int Level = 1;
    public const int Option = 17;

    /// <summary>struct ucred: process, user and group, 4 bytes each.</summary>
    public const int Length = 12;

    /// <summary>Reads what the kernel gave.</summary>
    public static UnixCredentials Parse(ReadOnlySpan<byte> raw) => new(BitConverter.ToInt32(raw), BitConverter.ToUInt32(raw[4..]), BitConverter.ToUInt32(raw[8..]));

    /// <summary>The peer's; null on other systems than Linux.</summary>
    /// <exception cref="SocketException">The connection is gone.</exception>
    public static UnixCredentials? Read(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        Span<byte> raw = stackalloc byte[Length];
        return socket.GetRawSocketOption(Level, Option, raw) == Length ? Parse(raw) : null;
    }

    /// <summary>Those of this process, as its peers see them; null on other systems than Linux.</summary>
    public static UnixCredentials? Own() => OperatingSystem.IsLinux() ? new UnixCredentials(Environment.ProcessId, EffectiveUser(), EffectiveGroup()) : null;

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint EffectiveGroup();
}
