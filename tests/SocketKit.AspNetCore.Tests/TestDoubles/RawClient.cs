using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SocketKit.AspNetCore.Tests.TestDoubles;

/// <summary>A peer that speaks bytes.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly StringBuilder _text = new();

    public Socket Socket => _socket;

    public static async Task<RawClient> ConnectAsync(EndPoint endPoint)
    {
        var client = new RawClient();
        await client._socket.ConnectAsync(endPoint).WaitAsync(Bytes.Bound);
        return client;
    }

    public async Task SendAsync(string text) => await _socket.SendAsync(Encoding.Latin1.GetBytes(text)).WaitAsync(Bytes.Bound);

    /// <summary>Receives until this text has come; returns everything up to its end.</summary>
    public async Task<string> ReadUntilAsync(string end)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var text = _text.ToString();
            var index = text.IndexOf(end, StringComparison.Ordinal);
            if (index >= 0)
            {
                _text.Remove(0, index + end.Length);
                return text[..(index + end.Length)];
            }

            var count = await _socket.ReceiveAsync(buffer).WaitAsync(Bytes.Bound);
            if (count == 0)
            {
                throw new EndOfStreamException("The stream ended after: " + text);
            }

            _text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
    }

    /// <summary>Receives to the end of the stream.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var buffer = new byte[4096];
        int count;
        while ((count = await _socket.ReceiveAsync(buffer).WaitAsync(Bytes.Bound)) > 0)
        {
            _text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return _text.ToString();
    }

    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();
}
