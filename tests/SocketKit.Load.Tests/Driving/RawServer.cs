using System.Net;
using System.Net.Sockets;

namespace SocketKit.Load.Tests.Driving;

/// <summary>A server whose only talent is to do to its bytes what a test wants.</summary>
internal sealed class RawServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <param name="serve">Serves one connection, on a thread of its own; the connection is closed when it returns.</param>
    public RawServer(Action<Socket> serve)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        new Thread(() => Accept(serve)) { IsBackground = true }.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public void Dispose() => _listener.Dispose();

    private void Accept(Action<Socket> serve)
    {
        try
        {
            while (true)
            {
                var socket = _listener.Accept();
                new Thread(() => Serve(socket, serve)) { IsBackground = true }.Start();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static void Serve(Socket socket, Action<Socket> serve)
    {
        using (socket)
        {
            try
            {
                serve(socket);
            }
            catch (SocketException)
            {
                // The load has gone.
            }
        }
    }
}
