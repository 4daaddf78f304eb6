using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// Keeps other processes, and other listeners of this one, from clearing an abandoned socket meanwhile: flock(2) on a file beside it,
/// <c>.lock</c>, which only its owner can open, so that nobody else can hold it. The lock ends with the process; the file is removed with
/// the lock.
/// </summary>
internal sealed class SocketFileLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly string _path;
    private int _descriptor;

    private SocketFileLock(string path, int descriptor)
    {
        _path = path;
        _descriptor = descriptor;
    }

    /// <summary>Waits for the lock, 2 s at most.</summary>
    /// <param name="socketPath">The socket's full path.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="SocketException">It cannot be had; the message says why.</exception>
    [SupportedOSPlatform("linux")]
    public static async ValueTask<SocketFileLock> TakeAsync(string socketPath, CancellationToken cancellationToken)
    {
        var path = socketPath + ".lock";
        for (var waited = TimeSpan.Zero; ; waited += Pause)
        {
            if (TryTake(path) is { } taken)
            {
                return taken;
            }

            if (waited >= Patience)
            {
                throw Failure($"another process of this user has held {path} for {Patience.TotalSeconds:0} s");
            }

            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            // While it is locked: whoever opens the path from now on makes another file, and whoever has this one open sees that.
            _ = UnixNative.Remove(_path);
            _ = UnixNative.Close(descriptor);
        }
    }

    [SupportedOSPlatform("linux")]
    private static SocketFileLock? TryTake(string path)
    {
        const int TryAgain = 11;
        const int Interrupted = 4;
        var descriptor = UnixNative.OpenLock(path);
        if (descriptor < 0)
        {
            throw Failure($"{path} cannot be opened ({WireErrors.Describe(Marshal.GetLastPInvokeError())}); remove it, unless a server of yours is starting");
        }

        var keeps = false;
        try
        {
            if (SocketFile.Of(descriptor) is not { IsFile: true } file || file.Owner != PeerCredentials.Own()!.Value.UserId)
            {
                throw Failure($"{path} is in the way: it is no file of this user; remove it");
            }

            if (UnixNative.Lock(descriptor, UnixNative.LockExclusive | UnixNative.LockNonBlocking) < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                return error is TryAgain or Interrupted ? null : throw Failure($"{path} cannot be locked: {WireErrors.Describe(error)}");
            }

            // Its last owner may have removed it in between.
            keeps = SocketFile.Find(path) is { } there && there.IsSameAs(file);
            return keeps ? new SocketFileLock(path, descriptor) : null;
        }
        finally
        {
            if (!keeps)
            {
                _ = UnixNative.Close(descriptor);
            }
        }
    }

    private static SocketException Failure(string why) => new((int)SocketError.AddressAlreadyInUse, $"a dead process has probably left this socket, and {why}, so it is not cleared away");
}
