using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>
/// What the kernel knows of a peer whose bytes nobody receives. The runtime tells of it by a receive alone, so a clock asks here.
/// </summary>
internal static partial class PeerCheck
{
    private const short HungUpReading = 0x2000;
    private const short Failed = 0x8;
    private const short HungUp = 0x10;

    /// <summary>Asks; takes nothing out of the socket. From any thread, beside any other call.</summary>
    /// <param name="socket">A connected, non-blocking socket.</param>
    /// <param name="finished">The end of the peer's stream has arrived, perhaps behind unread bytes. Where only a receive could tell (not
    /// on Linux), unread bytes hide it.</param>
    /// <returns>The error that ended the connection; Success: none is known.</returns>
    public static SocketError Look(Socket socket, out bool finished)
    {
        finished = false;
        try
        {
            return OperatingSystem.IsLinux() ? Poll(socket, out finished) : Peek(socket, out finished);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Aborted or released meanwhile: whoever did that knows.
            return SocketError.Success;
        }
    }

    private static SocketError Poll(Socket socket, out bool finished)
    {
        var handle = socket.SafeHandle;
        var held = false;
        try
        {
            handle.DangerousAddRef(ref held);
            var poll = new PollDescriptor { Descriptor = (int)handle.DangerousGetHandle(), Wanted = HungUpReading };
            if (Poll(ref poll, 1, 0) <= 0)
            {
                finished = false;
                return SocketError.Success;
            }

            finished = (poll.Found & (HungUpReading | HungUp)) != 0;

            // The error is taken by the question; whoever asks notes it for the verbs.
            return (poll.Found & Failed) != 0 && socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int error ? (SocketError)error : SocketError.Success;
        }
        finally
        {
            if (held)
            {
                handle.DangerousRelease();
            }
        }
    }

    private static SocketError Peek(Socket socket, out bool finished)
    {
        var count = socket.Receive(stackalloc byte[1], SocketFlags.Peek, out var error);
        finished = error == SocketError.Success && count == 0;
        return error is SocketError.WouldBlock or SocketError.IOPending ? SocketError.Success : error;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int milliseconds);

    /// <summary>struct pollfd (poll(2)); the bits are those of Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Wanted;
        public short Found;
    }
}
