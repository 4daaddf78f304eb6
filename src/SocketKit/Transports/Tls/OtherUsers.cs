using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Tls;

/// <summary>
/// What others than root and this user can do with a file, by its permissions and, on Linux, its owner. A group that reads it is an
/// arrangement that many systems have for their services.
/// </summary>
/// <param name="Read">They can read it.</param>
/// <param name="Write">They can write it.</param>
/// <param name="How">Why, and what to type, for people; null: they can do neither.</param>
internal readonly record struct OtherUsers(bool Read, bool Write, string? How)
{
    [UnsupportedOSPlatform("windows")]
    public static OtherUsers Of(SafeFileHandle handle)
    {
        if (OperatingSystem.IsLinux() && SocketFile.Of((int)handle.DangerousGetHandle()) is { } file && !FileOwners.IsTrusted(file.Owner))
        {
            return new OtherUsers(true, true, $"user {file.Owner} owns it: type chown");
        }

        var mode = File.GetUnixFileMode(handle);
        var read = (mode & UnixFileMode.OtherRead) != 0;
        var write = (mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0;
        return new OtherUsers(read, write, read || write ? $"mode {Convert.ToString((int)mode, 8)}: type chmod 600, or 640 for a group" : null);
    }
}
