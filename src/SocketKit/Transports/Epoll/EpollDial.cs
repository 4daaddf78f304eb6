using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Epoll;

/// <summary>Connects on the engine.</summary>
internal static class EpollDial
{
    /// <summary>
    /// Connects a socket that has its options; its descriptor is duplicated, so that the runtime's own event loop never hears of it, and
    /// the socket itself is disposed.
    /// </summary>
    /// <exception cref="SocketException">The peer or the network refuses.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async ValueTask<Transport> ConnectAsync(Socket socket, EndPoint endPoint, CancellationToken cancellationToken)
    {
        Descriptor descriptor;
        using (socket)
        {
            descriptor = Duplicate(socket);
        }

        EpollSocket? connecting = null;
        try
        {
            var begun = Begin(descriptor, endPoint);
            connecting = new EpollSocket(EpollEngine.Instance.NextLoop(), descriptor, connected: begun == 0,
                tcp: endPoint is IPEndPoint)
            { IsDialling = true };
            if (begun == Errno.InProgress)
            {
                await using var cancellation = cancellationToken.UnsafeRegister(static connecting => ((EpollSocket)connecting!).Abort(reset: true), connecting).ConfigureAwait(false);
                await connecting.WaitWritableAsync().ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            ThrowIf(connecting.TakeError());
            ThrowIfItself(descriptor, endPoint);
            connecting.IsDialling = false;
            return new EpollTransport(connecting, PeerAddress.Dialled(descriptor, endPoint));
        }
        catch (IOException) when (cancellationToken.IsCancellationRequested)
        {
            connecting?.Release();
            throw new OperationCanceledException(cancellationToken);
        }
        catch
        {
            connecting?.Release();
            descriptor.Dispose();
            throw;
        }
    }

    private static Descriptor Duplicate(Socket socket)
    {
        var number = Native.FileControl((int)socket.Handle, Native.DuplicateCloseOnExec, 0);
        if (number < 0)
        {
            ThrowIf(Marshal.GetLastPInvokeError());
        }

        var descriptor = new Descriptor(number);
        try
        {
            Descriptors.ThrowIfShort(number);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }

        if (Native.FileControl(number, Native.SetFlags, Native.SocketNonBlocking) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            descriptor.Dispose();
            ThrowIf(error);
        }

        return descriptor;
    }

    /// <returns>0: connected; <see cref="Errno.InProgress"/>: an event will tell.</returns>
    private static unsafe int Begin(Descriptor descriptor, EndPoint endPoint)
    {
        var address = endPoint.Serialize();
        int result;
        fixed (byte* raw = address.Buffer.Span)
        {
            result = Native.Connect(descriptor.Number, raw, address.Size);
        }

        var error = result < 0 ? Marshal.GetLastPInvokeError() : 0;

        // Interrupted, a connect goes on by itself (POSIX).
        if (error is 0 or Errno.InProgress or Errno.Interrupted)
        {
            return error == 0 ? 0 : Errno.InProgress;
        }

        throw WireErrors.From(Errno.ToSocketError(error));
    }

    /// <summary>
    /// Dialling a free port of this machine may pick that very port as the source: TCP then connects the socket to itself, and would keep
    /// the server from taking its address back.
    /// </summary>
    private static void ThrowIfItself(Descriptor descriptor, EndPoint endPoint)
    {
        if (endPoint is IPEndPoint && Equals(SocketAddresses.Local(descriptor), endPoint))
        {
            throw WireErrors.From(SocketError.ConnectionRefused);
        }
    }

    private static void ThrowIf(int error)
    {
        if (error != 0)
        {
            throw WireErrors.From(Errno.ToSocketError(error));
        }
    }
}
