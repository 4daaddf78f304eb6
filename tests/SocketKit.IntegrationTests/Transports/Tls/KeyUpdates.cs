using System.Net.Security;
using System.Reflection;
using System.Runtime.InteropServices;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>
/// Makes renewals of keys (RFC 8446 section 4.6.3), which SslStream itself has no way to send: by OpenSSL, on the session that SslStream
/// has.
/// </summary>
internal static partial class KeyUpdates
{
    private const int NotRequested = 0;
    private const int Requested = 1;

    /// <summary>The records of so many renewals, in order; whoever sends them must send nothing else in between.</summary>
    public static byte[] Make(SslStream stream, int count, bool asksForOthers = false)
    {
        var session = Session(stream);
        var output = OutputOf(session);
        var records = new List<byte>();
        var buffer = new byte[1024];
        for (var i = 0; i < count; i++)
        {
            Update(session, asksForOthers ? Requested : NotRequested).Should().Be(1);
            Handshake(session).Should().Be(1);
            int length;
            while ((length = Read(output, buffer, buffer.Length)) > 0)
            {
                records.AddRange(buffer.AsSpan(0, length));
            }
        }

        return [.. records];
    }

    private static nint Session(SslStream stream)
    {
        var context = typeof(SslStream).GetField("_securityContext", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(stream)!;
        var handle = context as SafeHandle;
        return handle!.DangerousGetHandle();
    }

    [LibraryImport("libssl.so.3", EntryPoint = "SSL_key_update")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Update(nint session, int type);

    [LibraryImport("libssl.so.3", EntryPoint = "SSL_do_handshake")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Handshake(nint session);

    [LibraryImport("libssl.so.3", EntryPoint = "SSL_get_wbio")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint OutputOf(nint session);

    [LibraryImport("libcrypto.so.3", EntryPoint = "BIO_read")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Read(nint bio, byte[] buffer, int length);
}
