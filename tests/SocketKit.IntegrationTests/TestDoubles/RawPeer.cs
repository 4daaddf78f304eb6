using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>A peer that speaks bytes over a plain socket.</summary>
internal sealed class RawPeer : IDisposable
{
    /// <summary>How long an await may take before the test fails; no bound on anything.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    private RawPeer(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    /// <param name="endPoint">Where to.</param>
    /// <param name="receiveBuffer">The kernel's receive buffer in bytes; 0: the system's choice.</param>
    /// <param name="source">From where; null: the system's choice.</param>
    public static async Task<RawPeer> ConnectAsync(EndPoint endPoint, int receiveBuffer = 0, IPEndPoint? source = null)
    {
        var isUnix = endPoint.AddressFamily == AddressFamily.Unix;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        if (!isUnix)
        {
            socket.NoDelay = true;
        }

        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        if (source is not null)
        {
            socket.Bind(source);
        }

        // A full backlog blocks a blocking connect of a Unix socket, and fails any other.
        await (isUnix ? Task.Run(() => socket.Connect(endPoint)) : socket.ConnectAsync(endPoint)).WaitAsync(Patience);
        return new RawPeer(socket);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
        {
            sent += await Socket.SendAsync(bytes.AsMemory(sent)).AsTask().WaitAsync(Patience);
        }
    }

    /// <summary>Exactly so many bytes.</summary>
    public async Task<byte[]> ReceiveAsync(int count)
    {
        var bytes = new byte[count];
        for (var received = 0; received < count;)
        {
            if (!await FillAsync())
            {
                throw new EndOfStreamException($"The stream ended after {received} of {count} bytes");
            }

            var part = Math.Min(count - received, _end - _start);
            _buffer.AsSpan(_start, part).CopyTo(bytes.AsSpan(received));
            _start += part;
            received += part;
        }

        return bytes;
    }

    /// <summary>The next line, without its end; null at the end of the stream.</summary>
    public async Task<string?> ReceiveLineAsync()
    {
        var line = new MemoryStream();
        while (await FillAsync())
        {
            var end = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            line.Write(_buffer, _start, end < 0 ? _end - _start : end);
            _start = end < 0 ? _end : _start + end + 1;
            if (end >= 0)
            {
                return Encoding.UTF8.GetString(line.ToArray());
            }
        }

        return line.Length == 0 ? null : throw new EndOfStreamException($"The stream ended inside the line {Encoding.UTF8.GetString(line.ToArray())}");
    }

    /// <summary>Everything up to the end of this text.</summary>
    public async Task<string> ReceiveUntilAsync(string end)
    {
        var (text, last) = (new MemoryStream(), Encoding.UTF8.GetBytes(end));
        while (await FillAsync())
        {
            text.WriteByte(_buffer[_start++]);
            if (text.GetBuffer().AsSpan(0, (int)text.Length).EndsWith(last))
            {
                return Encoding.UTF8.GetString(text.ToArray());
            }
        }

        throw new EndOfStreamException("The stream ended after: " + Encoding.UTF8.GetString(text.ToArray()));
    }

    /// <summary>Says a line and waits for it to come back.</summary>
    public async Task EchoAsync(string text)
    {
        await SendAsync(text + "\n");
        (await ReceiveLineAsync()).Should().Be(text);
    }

    /// <summary>All bytes up to the end of the stream.</summary>
    /// <exception cref="SocketException">The connection was reset instead.</exception>
    public async Task<byte[]> ReceiveToEndAsync()
    {
        var all = new MemoryStream();
        while (await FillAsync())
        {
            all.Write(_buffer, _start, _end - _start);
            _start = _end;
        }

        return all.ToArray();
    }

    /// <summary>The same as text.</summary>
    public async Task<string> ReceiveTextToEndAsync() => Encoding.UTF8.GetString(await ReceiveToEndAsync());

    /// <summary>Waits until the other side has closed or reset the connection.</summary>
    public async Task GoneAsync()
    {
        try
        {
            await ReceiveToEndAsync();
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            // Gone all the same.
        }
    }

    /// <summary>Half-close: nothing more from here.</summary>
    public void Finish() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes with a reset; on a Unix socket, which knows none, at once.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public void Dispose() => Socket.Dispose();

    private async Task<bool> FillAsync()
    {
        if (_start < _end)
        {
            return true;
        }

        _start = 0;
        _end = await Socket.ReceiveAsync(_buffer).WaitAsync(Patience);
        return _end > 0;
    }
}
