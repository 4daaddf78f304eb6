using Microsoft.Win32.SafeHandles;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// A file descriptor. Its number must not become another connection's in the middle of a call: so a system call is made either by the owner
/// of a direction, which is at rest before the descriptor is released, or with a reference held; the last reference closes it.
/// </summary>
internal sealed class Descriptor : SafeHandleMinusOneIsInvalid
{
    private static readonly int Nowhere = Native.Socket(Native.FamilyUnix, Native.SocketStream | Native.SocketNonBlocking | Native.SocketCloseOnExec, 0);

    public Descriptor(int number)
        : base(ownsHandle: true) => SetHandle(number);

    /// <summary>There is a socket to stand behind numbers whose own is closed. False: the kernel gives none.</summary>
    public static bool CanCloseBehind => Nowhere >= 0;

    /// <summary>The number, to be used by the owner of a direction or while a reference is held.</summary>
    public int Number => (int)handle;

    /// <summary>
    /// Takes a reference; false once it is released. Each true needs a
    /// <see cref="System.Runtime.InteropServices.SafeHandle.DangerousRelease"/>.
    /// </summary>
    public bool TryHold()
    {
        if (IsClosed)
        {
            return false;
        }

        var held = false;
        try
        {
            DangerousAddRef(ref held);
        }
        catch (ObjectDisposedException)
        {
            // Released between the look and the call.
        }

        return held;
    }

    /// <summary>Takes a reference that somebody keeps; null once it is released.</summary>
    public IDisposable? Hold() => TryHold() ? new Reference(this) : null;

    /// <summary>
    /// Closes the socket but keeps its number, behind which stands one that was never connected: calls on it fail. The caller holds a
    /// reference.
    /// </summary>
    public void CloseBehind() => _ = Native.Replace(Nowhere, Number, Native.SocketCloseOnExec);

    // An error of close(2) is not the connection's any more, and the number is free all the same.
    protected override bool ReleaseHandle()
    {
        _ = Native.Close((int)handle);
        return true;
    }

    private sealed class Reference(Descriptor descriptor) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                descriptor.DangerousRelease();
            }
        }
    }
}
