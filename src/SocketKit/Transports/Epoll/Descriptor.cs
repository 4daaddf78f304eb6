using Microsoft.Win32.SafeHandles;

namespace SocketKit.Transports.Epoll;

/// <summary>A file descriptor. Every system call on it holds a reference, so that its number cannot become another connection's in the middle of one; the last reference closes it.</summary>
internal sealed class Descriptor : SafeHandleMinusOneIsInvalid
{
    public Descriptor(int number)
        : base(ownsHandle: true) => SetHandle(number);

    /// <summary>The number, to be used while a reference is held.</summary>
    public int Number => (int)handle;

    /// <summary>Takes a reference; false once it is released. Each true needs a <see cref="System.Runtime.InteropServices.SafeHandle.DangerousRelease"/>.</summary>
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

    // An error of close(2) is not the connection's any more, and the number is free all the same.
    protected override bool ReleaseHandle()
    {
        _ = Native.Close((int)handle);
        return true;
    }
}
