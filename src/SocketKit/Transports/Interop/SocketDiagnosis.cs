using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SocketKit.Transports.Interop;

/// <summary>Asks Linux which Unix sockets are bound to a file, by the file and not by its name: sock_diag(7), as ss(8) does.</summary>
internal static partial class SocketDiagnosis
{
    private const int NetlinkFamily = 16;
    private const int RawAndCloseOnExec = 0x80003;
    private const int DiagnosisProtocol = 4;
    private const ushort SocketsByFamily = 20;
    private const ushort RequestAndDump = 0x301;
    private const ushort Error = 2;
    private const ushort Done = 3;
    private const byte UnixFamily = 1;

    // Not those that are connected: a server's connections have its file, and outlive it while it drains.
    private const uint StatesOfOwners = (1 << 7) | (1 << 10);
    private const uint ShowFile = 2;
    private const uint ShowUser = 0x40;
    private const ushort FileAttribute = 1;
    private const ushort UserAttribute = 7;
    private const int HeaderLength = 16;
    private const int AnswerLength = 16;

    /// <summary>File systems whose files show another device than they have inside the kernel.</summary>
    private static readonly uint[] WithOtherDevices = [0x9123683E, 0x794C7630];

    /// <summary>
    /// Whether a living socket that is not connected is bound to the file. One that listens and refuses has been shut down by its process.
    /// </summary>
    /// <returns>Null: the system does not tell.</returns>
    [SupportedOSPlatform("linux")]
    public static bool? IsBoundTo(string path, SocketFile file)
    {
        var descriptor = Socket(NetlinkFamily, RawAndCloseOnExec, DiagnosisProtocol);
        if (descriptor < 0)
        {
            return null;
        }

        try
        {
            return Ask(descriptor) ? Search(descriptor, file, byDevice: !ShowsOtherDevice(path)) : null;
        }
        finally
        {
            _ = UnixNative.Close(descriptor);
        }
    }

    private static bool Ask(int descriptor)
    {
        // struct nlmsghdr, then struct unix_diag_req.
        const int Length = HeaderLength + 24;
        Span<byte> request = stackalloc byte[Length];
        request.Clear();
        BitConverter.TryWriteBytes(request, Length);
        BitConverter.TryWriteBytes(request[4..], SocketsByFamily);
        BitConverter.TryWriteBytes(request[6..], RequestAndDump);
        request[HeaderLength] = UnixFamily;
        BitConverter.TryWriteBytes(request[(HeaderLength + 4)..], StatesOfOwners);
        BitConverter.TryWriteBytes(request[(HeaderLength + 12)..], ShowFile | ShowUser);
        BitConverter.TryWriteBytes(request[(HeaderLength + 16)..], ulong.MaxValue);
        return Send(descriptor, in MemoryMarshal.GetReference(request), Length, 0) == Length;
    }

    private static bool? Search(int descriptor, SocketFile file, bool byDevice)
    {
        const int Interrupted = 4;
        var buffer = new byte[32 * 1024];
        while (true)
        {
            var count = (int)Receive(descriptor, ref buffer[0], (nuint)buffer.Length, 0);
            if (count <= 0)
            {
                if (count < 0 && Marshal.GetLastPInvokeError() == Interrupted)
                {
                    continue;
                }

                return null;
            }

            for (ReadOnlySpan<byte> rest = buffer.AsSpan(0, count); rest.Length >= HeaderLength;)
            {
                var length = BitConverter.ToInt32(rest);
                if (length < HeaderLength || length > rest.Length)
                {
                    return null;
                }

                switch (BitConverter.ToUInt16(rest[4..]))
                {
                    case Done:
                        return false;
                    case Error:
                        return null;
                    case SocketsByFamily when IsOf(rest[HeaderLength..length], file, byDevice):
                        return true;
                    default:
                        rest = rest[Math.Min(Align(length), rest.Length)..];
                        break;
                }
            }
        }
    }

    /// <summary>One socket: struct unix_diag_msg, then attributes, of which one has the file, and one the user (since Linux 5.3).</summary>
    internal static bool IsOf(ReadOnlySpan<byte> answer, SocketFile file, bool byDevice)
    {
        const int FileLength = 12;
        const int UserLength = 8;
        const int MinorBits = 20;
        bool isFile = false, mayBeTheirs = true;
        for (var rest = answer[Math.Min(AnswerLength, answer.Length)..]; rest.Length >= 4;)
        {
            var length = BitConverter.ToUInt16(rest);
            if (length < 4 || length > rest.Length)
            {
                return false;
            }

            switch (BitConverter.ToUInt16(rest[2..]))
            {
                case FileAttribute when length >= FileLength:
                    isFile = BitConverter.ToUInt32(rest[4..]) == (uint)file.Node
                        && (!byDevice || BitConverter.ToUInt32(rest[8..]) == ((file.DeviceMajor << MinorBits) | file.DeviceMinor));
                    break;

                case UserAttribute when length >= UserLength:
                    // Whose the file is, they have bound it: without the device another user's may have the same number.
                    mayBeTheirs = IsOne(BitConverter.ToUInt32(rest[4..]), file);
                    break;

                default:
                    break;
            }

            rest = rest[Math.Min(Align(length), rest.Length)..];
        }

        return isFile && mayBeTheirs;
    }

    private static bool IsOne(uint user, SocketFile file) => user == 0 || user == file.Owner || user == UnixNative.EffectiveUser();

    private static int Align(int length) => (length + 3) & ~3;

    /// <summary>btrfs and overlayfs do.</summary>
    private static bool ShowsOtherDevice(string path)
    {
        // The first field is the type, in the machine's word and byte order, on every architecture.
        var status = new byte[256];
        return StatusOfFileSystem(path, ref status[0]) == 0
            && WithOtherDevices.Contains(nint.Size == sizeof(long) ? (uint)BitConverter.ToUInt64(status) : BitConverter.ToUInt32(status));
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Send(int descriptor, in byte buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Receive(int descriptor, ref byte buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatusOfFileSystem(string path, ref byte status);
}
