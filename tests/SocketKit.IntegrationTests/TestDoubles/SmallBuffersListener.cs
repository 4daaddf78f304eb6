using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Sockets;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// A listener on loopback whose connections have small send buffers in the kernel. By itself the kernel takes megabytes for a peer that reads nothing, so a send that does not finish would take more than that for
/// each of hundreds of peers.
/// </summary>
internal sealed class SmallBuffersListener : Listener
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public override EndPoint EndPoint => _socket.LocalEndPoint!;

    public override ValueTask BindAsync(CancellationToken cancellationToken)
    {
        _socket.SendBufferSize = 4096;
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _socket.Listen(1000);
        return default;
    }

    public override async ValueTask<Transport?> AcceptAsync()
    {
        try
        {
            var accepted = await _socket.AcceptAsync();
            accepted.SendBufferSize = 4096;
            accepted.NoDelay = true;
            return new SocketTransport(accepted);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
        {
            return null;
        }
    }

    public override ValueTask StopAsync()
    {
        _socket.Dispose();
        return default;
    }

    public override ValueTask DisposeAsync() => StopAsync();

    /// <summary>Makes a server listen here instead.</summary>
    public static void Use(SocketServerOptions options)
    {
        options.Listeners.Clear();
        options.Listeners.Add(new SmallBuffersListener());
    }
}
