using System.Net.Sockets;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// Dials a Unix socket, with an engine's way to connect. The kernel refuses at once when the listener's backlog is full, where TCP would
/// wait: so it is asked again, at growing intervals, until the connect time-out.
/// </summary>
internal sealed class UnixDialer(string path, StreamConnect connect) : Dialer
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(50);

    private readonly UnixEndPoint _endPoint = new(path);

    public override WireProtection Protection => WireProtection.Confidential;

    public override async ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken)
    {
        var delay = FirstDelay;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await AttemptAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
            {
                await Task.Delay(delay, services.TimeProvider, cancellationToken).ConfigureAwait(false);
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, LongestDelay.Ticks));
            }
            catch (SocketException exception)
            {
                throw new SocketException((int)exception.SocketErrorCode, $"{path}: {Why(exception)}");
            }
        }
    }

    public override string ToString() => $"unix://{path}";

    private async ValueTask<Transport> AttemptAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            Descriptors.ThrowIfShort(socket.Handle);
            if (OperatingSystem.IsLinux())
            {
                UnixNative.RefuseDescriptors(socket);
            }

            return await connect(socket, _endPoint, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Why(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AddressNotAvailable => "there is no such socket",
        SocketError.ConnectionRefused => "nobody listens there",
        SocketError.AccessDenied => "access denied: the permissions of the socket, or of a folder above it, do not let this user in",
        SocketError.ProtocolType => "it is a datagram socket",
        _ => exception.Message,
    };
}
