using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>Calls of the C library about files, on any Unix.</summary>
internal static partial class FileCalls
{
    /// <summary>open(2) without a mode: a descriptor, or -1 and an error number.</summary>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Open(string path, int flags);
}
