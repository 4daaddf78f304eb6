using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Tls;

/// <summary>
/// Reads the files of certificates and keys: regular files of up to 256 KiB. A pipe would make whoever reads it wait for a writer.
/// </summary>
internal static class CertificateContents
{
    // The system's reader of PEM takes time that grows with the square of what is no certificate.
    private const long Longest = 256 * 1024;

    /// <summary>O_NONBLOCK and O_CLOEXEC, of macOS and of Linux: who opens a pipe so does not wait for its other end.</summary>
    private static readonly int NonBlocking = OperatingSystem.IsMacOS() ? 0x1000004 : 0x80800;

    /// <param name="path">The file.</param>
    /// <param name="others">What other users can do with it.</param>
    /// <exception cref="IOException">It is no regular file, or too long, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied.</exception>
    public static byte[] Read(string path, out OtherUsers others)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"{path} is a folder");
        }

        using var handle = OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() ? OpenWithoutWaiting(path) : File.OpenHandle(path);
        var length = LengthOf(handle, path);
        if (length > Longest)
        {
            throw new IOException($"{path} has {length} bytes; a certificate or a key has at most {Longest}");
        }

        others = OperatingSystem.IsWindows() ? default : OtherUsers.Of(handle);

        // Another may have written it meanwhile: what is read is what there is.
        var contents = new byte[length];
        var read = 0;
        int count;
        while (read < contents.Length && (count = RandomAccess.Read(handle, contents.AsSpan(read), read)) > 0)
        {
            read += count;
        }

        return contents[..read];
    }

    private static long LengthOf(SafeFileHandle handle, string path)
    {
        try
        {
            return RandomAccess.GetLength(handle);
        }
        catch (NotSupportedException exception)
        {
            // It cannot be sought in: a pipe, a socket, a terminal.
            throw new IOException($"{path} is no regular file", exception);
        }
    }

    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("macos")]
    private static SafeFileHandle OpenWithoutWaiting(string path)
    {
        const int NoSuchFile = 2;
        const int AccessDenied = 13;
        const int NotAFolder = 20;
        var descriptor = FileCalls.Open(path, NonBlocking);
        if (descriptor >= 0)
        {
            return new SafeFileHandle(descriptor, ownsHandle: true);
        }

        var error = Marshal.GetLastPInvokeError();
        throw error switch
        {
            NoSuchFile or NotAFolder => new FileNotFoundException($"Could not find file '{path}'.", path),
            AccessDenied => new UnauthorizedAccessException($"Access to the path '{path}' is denied."),
            _ => new IOException($"{path}: {WireErrors.Describe(error)}"),
        };
    }
}
