using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SocketKit.Transports.Unix;

/// <summary>Keeps other processes, and other listeners of this one, from clearing abandoned sockets in a folder meanwhile: flock(2) on the folder itself, so no file is left behind, and the lock ends with the process.</summary>
internal sealed class FolderLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private int _descriptor;

    private FolderLock(int descriptor) => _descriptor = descriptor;

    /// <summary>Waits for the lock, 2 s at most: whoever can read the folder can hold it.</summary>
    /// <exception cref="SocketException">It cannot be had; the message says why.</exception>
    [SupportedOSPlatform("linux")]
    public static async ValueTask<FolderLock> TakeAsync(string folder, CancellationToken cancellationToken)
    {
        var descriptor = UnixNative.OpenDirectory(folder);
        if (descriptor < 0)
        {
            throw Failure($"its folder cannot be opened: {WireErrors.Describe(Marshal.GetLastPInvokeError())}");
        }

        var taken = new FolderLock(descriptor);
        try
        {
            const int TryAgain = 11;
            const int Interrupted = 4;
            for (var waited = TimeSpan.Zero; UnixNative.Lock(descriptor, UnixNative.LockExclusive | UnixNative.LockNonBlocking) < 0; waited += Pause)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error is not (TryAgain or Interrupted))
                {
                    throw Failure($"its folder cannot be locked: {WireErrors.Describe(error)}");
                }

                if (waited >= Patience)
                {
                    throw Failure($"another process has held a lock on its folder for {Patience.TotalSeconds:0} s");
                }

                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }

            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = UnixNative.Close(descriptor);
        }
    }

    private static SocketException Failure(string why) => new((int)SocketError.AddressAlreadyInUse, $"a dead process has probably left this socket, and {why}, so it is not cleared away");
}
