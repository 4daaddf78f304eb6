using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SocketKit.Transports.Unix;

/// <summary>What Linux knows of the file behind a path, without following a symbolic link: its identity, and whether it is a socket. While a socket is bound to a file, no other file gets the same identity.</summary>
/// <param name="DeviceMajor">The major number of the device that it lies on.</param>
/// <param name="DeviceMinor">The minor number of that device.</param>
/// <param name="Node">Its number there.</param>
/// <param name="Mode">Its type and permissions, as st_mode has them.</param>
internal readonly record struct SocketFile(uint DeviceMajor, uint DeviceMinor, ulong Node, ushort Mode)
{
    private const int TypeMask = 0xF000;
    private const int TypeSocket = 0xC000;

    public bool IsSocket => (Mode & TypeMask) == TypeSocket;

    public UnixFileMode Permissions => (UnixFileMode)(Mode & ~TypeMask);

    /// <summary>What it is, for people.</summary>
    public string Kind => (Mode & TypeMask) switch
    {
        TypeSocket => "a socket",
        0xA000 => "a symbolic link",
        0x8000 => "a file",
        0x4000 => "a folder",
        _ => "a special file",
    };

    /// <summary>The same file, whatever happened to its permissions.</summary>
    public bool IsSameAs(SocketFile other) => DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor && Node == other.Node;

    /// <summary>Looks at a path.</summary>
    /// <returns>Null: there is nothing, or the system does not tell.</returns>
    [SupportedOSPlatform("linux")]
    public static unsafe SocketFile? Find(string path)
    {
        Span<byte> status = stackalloc byte[UnixNative.StatusLength];
        status.Clear();
        fixed (byte* raw = status)
        {
            if (UnixNative.Status(path, raw) < 0)
            {
                return null;
            }
        }

        return new SocketFile(BitConverter.ToUInt32(status[136..]), BitConverter.ToUInt32(status[140..]), BitConverter.ToUInt64(status[32..]), BitConverter.ToUInt16(status[28..]));
    }

    /// <summary>Limits the permissions of the file that the next bind of this socket makes: Linux takes those of the socket itself, less the umask. So the file never has more than these, not even for a moment.</summary>
    [SupportedOSPlatform("linux")]
    public static void Limit(Socket socket, UnixFileMode permissions)
    {
        if (UnixNative.ChangeMode((int)socket.Handle, (uint)permissions) < 0)
        {
            throw new SocketException((int)SocketError.AccessDenied, $"The permissions of a new socket cannot be set: {WireErrors.Describe(Marshal.GetLastPInvokeError())}");
        }
    }
}
