using System.Net;
using System.Net.Sockets;

namespace SocketKit.TestPeer;

/// <summary>Connects a number of times, says one line on each connection, and holds them until it is killed.</summary>
internal static class Holder
{
    public static int Run(int port, int count)
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, port);
            socket.Send("hello\n"u8);
            sockets.Add(socket);
        }

        Console.WriteLine("ready");
        while (Console.In.ReadLine() is not null)
        {
        }

        sockets.ForEach(socket => socket.Dispose());
        return 0;
    }
}
