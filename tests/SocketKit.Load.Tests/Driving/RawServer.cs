using System.Net;
using System.Net.Sockets;

namespace SocketKit.Load.Tests.Driving;

/// <summary>A server whose only talent is to do to its bytes what a test wants.</summary>
internal sealed class RawServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <param name="serve">Serves one connection, on a thread of its own; the connection is closed when it returns.</param>
    public RawServer(Action<Socket> serve)
        : this((socket, _) => serve(socket))
    {
    }

    /// <param name="serve">The same, and it is told how many were accepted before this one.</param>
    public RawServer(Action<Socket, int> serve)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        new Thread(() => Accept(serve)) { IsBackground = true }.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public void Dispose() => _listener.Dispose();

    private void Accept(Action<Socket, int> serve)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                var (socket, before) = (_listener.Accept(), i);
                new Thread(() => Serve(socket, before, serve)) { IsBackground = true }.Start();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static void Serve(Socket socket, int before, Action<Socket, int> serve)
    {
        using (socket)
        {
            try
            {
                serve(socket, before);
            }
            catch (SocketException)
            {
                // The load has gone.
            }
        }
    }
}
