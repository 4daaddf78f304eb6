using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace SocketKit.Load.Serving;

/// <summary>
/// The loop that one writes by hand over Socket.ReceiveAsync and SendAsync, or over an SslStream. It sends each reply by itself, as such
/// loops mostly do, or, batched, all replies to what one receive brought.
/// </summary>
internal sealed class PlainServer : IMeasuredServer
{
    private const int InitialBuffer = 64 * 1024;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly bool _batched;
    private readonly SslStreamCertificateContext? _context;
    private readonly Task _accepting;

    public PlainServer(int port, bool batched, bool tls = false)
    {
        _context = tls ? SslStreamCertificateContext.Create(TlsCertificate.CreateDevelopment().Certificate, null, offline: true) : null;
        _batched = batched;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(4096);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync();
            }
            catch (Exception exception) when (exception is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }

            socket.NoDelay = true;
            _ = EchoAsync(socket);
        }
    }

    private async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                if (_context is null)
                {
                    await EchoUntilEndAsync(socket, null);
                    return;
                }

                await using var stream = new SslStream(new NetworkStream(socket));
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = _context });
                await EchoUntilEndAsync(socket, stream);
            }
            catch (Exception exception) when (exception is SocketException or IOException or AuthenticationException or InvalidDataException)
            {
                await Console.Error.WriteLineAsync($"plain: {exception.Message}");
            }
        }
    }

    private async Task EchoUntilEndAsync(Socket socket, SslStream? stream)
    {
        var buffer = new byte[InitialBuffer];
        var replies = new byte[InitialBuffer];
        var filled = 0;
        while (await ReceiveAsync(socket, stream, buffer.AsMemory(filled)) is var count and > 0)
        {
            filled += count;
            int whole = 0, reply = 0;
            while (filled - whole >= 4 && LengthAt(buffer, whole) is var length)
            {
                if (filled - whole - 4 < length)
                {
                    Grow(ref buffer, 4 + length);
                    break;
                }

                Grow(ref replies, reply + 4 + length);
                BinaryPrimitives.WriteInt32BigEndian(replies.AsSpan(reply), length);
                buffer.AsSpan(whole + 4, length).CopyTo(replies.AsSpan(reply + 4));
                whole += 4 + length;
                reply += 4 + length;
                if (!_batched)
                {
                    await SendAllAsync(socket, stream, replies.AsMemory(0, reply));
                    reply = 0;
                }
            }

            await SendAllAsync(socket, stream, replies.AsMemory(0, reply));
            buffer.AsSpan(whole, filled - whole).CopyTo(buffer);
            filled -= whole;
        }
    }

    private static int LengthAt(byte[] buffer, int at)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(at));
        return length is >= 0 and <= ServeOptions.MaxFrameLength ? length : throw new InvalidDataException($"A frame of {length} bytes.");
    }

    private static void Grow(ref byte[] buffer, int size)
    {
        if (buffer.Length < size)
        {
            Array.Resize(ref buffer, Math.Max(size, 2 * buffer.Length));
        }
    }

    private static ValueTask<int> ReceiveAsync(Socket socket, SslStream? stream, Memory<byte> buffer) => stream is null ? socket.ReceiveAsync(buffer, SocketFlags.None) : stream.ReadAsync(buffer);

    private static async ValueTask SendAllAsync(Socket socket, SslStream? stream, ReadOnlyMemory<byte> bytes)
    {
        if (stream is not null)
        {
            // An empty write would be an empty record.
            await (bytes.IsEmpty ? default : stream.WriteAsync(bytes));
            return;
        }

        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None)..];
        }
    }
}
