using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace SocketKit.Benchmarks;

/// <summary>
/// The measure for our own engine: the loop that one writes by hand over Socket.ReceiveAsync and SendAsync, with a 4-byte length prefix on
/// what comes and on what goes. It sends each reply by itself, as such loops mostly do, or, batched, all replies to what one receive
/// brought.
/// </summary>
internal static class PlainServer
{
    public static async Task RunAsync(int port, bool batched)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(512);
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port);
        while (true)
        {
            var socket = await listener.AcceptAsync().ConfigureAwait(false);
            socket.NoDelay = true;
            _ = EchoAsync(socket, batched);
        }
    }

    private static async Task EchoAsync(Socket socket, bool batched)
    {
        using (socket)
        {
            var buffer = new byte[256 * 1024];
            var replies = new byte[buffer.Length];
            var filled = 0;
            while (true)
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None).ConfigureAwait(false);
                if (count == 0)
                {
                    return;
                }

                filled += count;
                int whole = 0, reply = 0;
                while (filled - whole >= 4 && BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(whole)) is var length && filled - whole - 4 >= length)
                {
                    BinaryPrimitives.WriteInt32BigEndian(replies.AsSpan(reply), length);
                    buffer.AsSpan(whole + 4, length).CopyTo(replies.AsSpan(reply + 4));
                    whole += 4 + length;
                    reply += 4 + length;
                    if (!batched)
                    {
                        await SendAllAsync(socket, replies.AsMemory(0, reply)).ConfigureAwait(false);
                        reply = 0;
                    }
                }

                await SendAllAsync(socket, replies.AsMemory(0, reply)).ConfigureAwait(false);

                buffer.AsSpan(whole, filled - whole).CopyTo(buffer);
                filled -= whole;
            }
        }
    }

    private static async ValueTask SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false)..];
        }
    }
}
