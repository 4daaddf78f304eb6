using System.Buffers;
using System.Net;
using System.Net.Sockets;
using SocketKit;

namespace CustomFraming;

/// <summary>Shows and checks what the framer does with good and bad bytes, against a running server.</summary>
internal static class Demonstration
{
    private static readonly TelegramFramer Framer = new();
    private static readonly byte[] Question = Telegram.Of(Telegram.Reverse, "desserts"u8);
    private static readonly byte[] Answer = Telegram.Of(Telegram.Reverse | Telegram.Answer, "stressed"u8);

    /// <returns>Whether everything came out as it should.</returns>
    public static async Task<bool> RunAsync(EndPoint server, CancellationToken cancellationToken)
    {
        FramerCheck.RoundTrip(Framer, [0], Question, Wire(Question), new byte[TelegramFramer.MaxLength]);
        Print.Line($"[green]ok[/] what the framer writes it reads back, however it is cut");

        byte[] good = Wire(Question);
        byte[] broken = [.. good];
        broken[6] ^= 0x10;
        bool[] results =
        [
            await AskAsync(server, cancellationToken),
            await SendAsync(server, "one telegram", [good], 1, cancellationToken),
            await SendAsync(server, "byte by byte", good.Select(value => new[] { value }), 1, cancellationToken),
            await SendAsync(server, "three at once", [[.. good, .. good, .. good]], 3, cancellationToken),
            await SendAsync(server, "garbage before it", [[1, 2, 3, 0xAA, 0xAA, .. good]], 1, cancellationToken),
            await SendAsync(server, "one with a flipped bit, then a good one", [[.. broken, .. good]], 1, cancellationToken),
            await SendAsync(server, "a sync word with an impossible length, then a good one", [[0xAA, 0x55, 0xFF, 0xFF, .. good]], 1, cancellationToken),
        ];
        return results.All(right => right);
    }

    private static async Task<bool> AskAsync(EndPoint server, CancellationToken cancellationToken)
    {
        await using var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Tcp((IPEndPoint)server), Framer = Framer });
        await client.ConnectAsync(cancellationToken);
        using Message answer = await client.RequestAsync(Question, cancellationToken);
        return Judge("a client with the same framer asks", answer.Span.SequenceEqual(Answer), Convert.ToHexString(answer.Span));
    }

    // A plain socket, so that the bytes are exactly these.
    private static async Task<bool> SendAsync(EndPoint server, string what, IEnumerable<byte[]> pieces, int answers, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellationToken);
        foreach (byte[] piece in pieces)
        {
            await socket.SendAsync(piece, cancellationToken);
        }

        socket.Shutdown(SocketShutdown.Send);
        var received = new List<byte>();
        byte[] buffer = new byte[4096];
        for (int count; (count = await socket.ReceiveAsync(buffer, cancellationToken)) > 0;)
        {
            received.AddRange(buffer.AsSpan(0, count));
        }

        byte[] expected = [.. Enumerable.Repeat(Wire(Answer), answers).SelectMany(bytes => bytes)];
        return Judge(what, received.SequenceEqual(expected), Convert.ToHexString([.. received]));
    }

    private static byte[] Wire(byte[] message)
    {
        var output = new ArrayBufferWriter<byte>();
        Framer.Write(message, output);
        return output.WrittenSpan.ToArray();
    }

    private static bool Judge(string what, bool right, string answer)
    {
        Print.Line($"{(right ? "ok" : "FAIL")} {what}: the answer is {answer}");
        return right;
    }
}
