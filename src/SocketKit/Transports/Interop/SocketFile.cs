using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SocketKit.Transports.Interop;

/// <summary>
/// What Linux knows of a file: its identity, its owner, and whether it is a socket. While a socket is bound to a file, no other file gets
/// the same identity.
/// </summary>
/// <param name="DeviceMajor">The major number of the device that it lies on.</param>
/// <param name="DeviceMinor">The minor number of that device.</param>
/// <param name="Node">Its number there.</param>
/// <param name="Mode">Its type and permissions, as st_mode has them.</param>
/// <param name="Owner">The user whose it is.</param>
internal readonly record struct SocketFile(uint DeviceMajor, uint DeviceMinor, ulong Node, ushort Mode, uint Owner)
{
    private const int TypeMask = 0xF000;
    private const int TypeSocket = 0xC000;
    private const int TypeFile = 0x8000;
    private const int Sticky = 0x200;
    private const int OthersWrite = 0x2;

    public bool IsSocket => (Mode & TypeMask) == TypeSocket;

    public bool IsFile => (Mode & TypeMask) == TypeFile;

    /// <summary>Of a folder: everybody may rename and remove what is in it.</summary>
    public bool IsEverybodys => (Mode & (Sticky | OthersWrite)) == OthersWrite;

    public UnixFileMode Permissions => (UnixFileMode)(Mode & ~TypeMask);

    /// <summary>What it is, for people.</summary>
    public string Kind => (Mode & TypeMask) switch
    {
        TypeSocket => "a socket",
        0xA000 => "a symbolic link",
        TypeFile => "a file",
        0x4000 => "a folder",
        _ => "a special file",
    };

    /// <summary>The same file, whatever happened to its permissions.</summary>
    public bool IsSameAs(SocketFile other) => DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor && Node == other.Node;

    /// <summary>Looks at a path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="follows">At what a symbolic link there points to, and not at the link.</param>
    /// <returns>Null: there is nothing, or the system does not tell.</returns>
    [SupportedOSPlatform("linux")]
    public static unsafe SocketFile? Find(string path, bool follows = false)
    {
        var status = stackalloc byte[UnixNative.StatusLength];
        return Parse(UnixNative.Status(path, follows, status), status);
    }

    /// <summary>Looks at what a descriptor stands for.</summary>
    [SupportedOSPlatform("linux")]
    public static unsafe SocketFile? Of(int descriptor)
    {
        var status = stackalloc byte[UnixNative.StatusLength];
        return Parse(UnixNative.Status(descriptor, status), status);
    }

    private static unsafe SocketFile? Parse(int answer, byte* raw)
    {
        if (answer < 0)
        {
            return null;
        }

        var status = new ReadOnlySpan<byte>(raw, UnixNative.StatusLength);
        return new SocketFile(BitConverter.ToUInt32(status[136..]), BitConverter.ToUInt32(status[140..]), BitConverter.ToUInt64(status[32..]),
            BitConverter.ToUInt16(status[28..]), BitConverter.ToUInt32(status[20..]));
    }

    /// <summary>
    /// Sets the permissions of this file and of no other: whoever can write its folder may have put something else, or a link, in its place
    /// meanwhile.
    /// </summary>
    /// <exception cref="IOException">They cannot be set, or it is no longer there.</exception>
    [SupportedOSPlatform("linux")]
    public void SetPermissions(string path, UnixFileMode permissions)
    {
        var descriptor = UnixNative.OpenPath(path);
        if (descriptor < 0)
        {
            throw new IOException(WireErrors.Describe(Marshal.GetLastPInvokeError()));
        }

        try
        {
            if (!IsSocket || Of(descriptor) is not { } found || !found.IsSameAs(this))
            {
                throw new IOException("something else has taken its place in the folder meanwhile");
            }

            if (UnixNative.ChangeModeOf(descriptor, (uint)permissions) < 0)
            {
                throw new IOException(WireErrors.Describe(Marshal.GetLastPInvokeError()));
            }
        }
        finally
        {
            _ = UnixNative.Close(descriptor);
        }
    }

    /// <summary>
    /// Limits the permissions of the file that the next bind of this socket makes: Linux takes those of the socket itself, less the umask.
    /// So the file never has more than these, not even for a moment.
    /// </summary>
    /// <exception cref="IOException">They cannot be set.</exception>
    [SupportedOSPlatform("linux")]
    public static void Limit(Socket socket, UnixFileMode permissions)
    {
        if (UnixNative.ChangeMode((int)socket.Handle, (uint)permissions) < 0)
        {
            throw new IOException(WireErrors.Describe(Marshal.GetLastPInvokeError()));
        }
    }
}
