using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace SocketKit.Benchmarks;

/// <summary>The measure for our own engine: the loop that one writes by hand, Socket.ReceiveAsync and SendAsync with a 4-byte length prefix, one send for all whole frames of a receive.</summary>
internal static class PlainServer
{
    public static async Task RunAsync(int port)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(512);
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port);
        while (true)
        {
            var socket = await listener.AcceptAsync().ConfigureAwait(false);
            socket.NoDelay = true;
            _ = EchoAsync(socket);
        }
    }

    private static async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[256 * 1024];
            var filled = 0;
            while (true)
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None).ConfigureAwait(false);
                if (count == 0)
                {
                    return;
                }

                filled += count;
                var whole = 0;
                while (filled - whole >= 4 && BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(whole)) is var length && filled - whole - 4 >= length)
                {
                    whole += 4 + length;
                }

                for (var sent = 0; sent < whole;)
                {
                    sent += await socket.SendAsync(buffer.AsMemory(sent, whole - sent), SocketFlags.None).ConfigureAwait(false);
                }

                buffer.AsSpan(whole, filled - whole).CopyTo(buffer);
                filled -= whole;
            }
        }
    }
}
