using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SocketKit.Load.Reporting;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Measuring;

/// <summary>What became of one download.</summary>
/// <param name="Received">Bytes of the body.</param>
/// <param name="Expected">That there are.</param>
/// <param name="Error">What the client's socket said, or null.</param>
internal sealed record Download(long Received, long Expected, string? Error)
{
    public string Verdict => Error is null && Received == Expected ? "whole" : $"{Received:N0} of {Expected:N0} bytes, {Error ?? "then the end"}";
}

/// <summary><c>measure pauses</c>: clients of a web app that take a little of a download, read nothing for a while, and take the
/// rest.</summary>
internal static class PausesMeasurement
{
    private const string Name = "pauses";

    private static readonly (string Name, int EndPoint, string Request, bool HasHead)[] Kinds =
    [
        ("response", 0, "GET /response HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true),
        ("upgraded connection", 0, "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n", true),
        ("`ConnectionHandler`", 1, "x", false),
        ("`ConnectionHandler` that does not wait", 2, "x", false),
    ];

    private static readonly (string Name, string Title, string? Engine)[] Transports =
    [
        ("own", "Kestrel's own transport", null),
        ("epoll", "SocketKit's, epoll engine", "epoll"),
        ("sockets", "SocketKit's, portable engine", "sockets"),
    ];

    public static Command Create()
    {
        var seconds = MeasureCommand.Seconds("--seconds", "How long the clients read nothing.", 40);
        var chunks = MeasureCommand.Count("--chunks", "How long each download is, in pieces of 64 KiB.", 800);
        Option<string?> json = new("--json") { Description = "Write the figures to this file." };
        const string Description = "Downloads from a web app whose clients pause: a response, an upgraded connection, connection handlers; "
            + "on Kestrel's transport and on SocketKit's, all at once. Ends with 1 if one is not whole.";
        Command command = new(Name, Description) { seconds, chunks, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var pause = TimeSpan.FromSeconds(arguments.GetValue(seconds));
            var count = arguments.GetValue(chunks);
            var transports = Transports.Where(one => one.Engine is null || EngineChoice.Missing(one.Engine) is null).ToArray();
            var results = await Task.WhenAll(transports.Select(async one =>
            {
                await using var server = await DownloadServer.StartAsync(one.Engine, count);
                return await Task.WhenAll(Kinds.Select(kind => DownloadAsync(
                    server.EndPoints[kind.EndPoint], kind.Request, kind.HasHead, DownloadServer.LengthOf(count), pause, cancellationToken)));
            }));
            var table = new Table(["Transport", .. Kinds.Select(kind => kind.Name)]);
            for (var i = 0; i < transports.Length; i++)
            {
                table.Add([transports[i].Title, .. results[i].Select(one => one.Verdict)]);
            }

            var figures = transports.Zip(results).ToDictionary(one => one.First.Name, one => one.Second);
            await MeasureCommand.ReportAsync(Name, [], table, figures, arguments.GetValue(json));
            return results.All(row => row.All(one => one.Verdict == "whole")) ? 0 : 1;
        });
        return command;
    }

    private static async Task<Download> DownloadAsync(
        IPEndPoint server, string request, bool hasHead, long expected, TimeSpan pause, CancellationToken cancellationToken)
    {
        // A small window: most of the download has to wait at the server.
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 * 1024 };
        var buffer = new byte[256 * 1024];
        var received = 0L;
        string? error = null;
        try
        {
            await socket.ConnectAsync(server, cancellationToken);
            await socket.SendAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
            if (hasHead)
            {
                await SkipHeadAsync(socket, cancellationToken);
            }

            received += await socket.ReceiveAsync(buffer.AsMemory(0, 1024), cancellationToken);
            await Task.Delay(pause, cancellationToken);
            int count;
            while ((count = await socket.ReceiveAsync(buffer, cancellationToken)) > 0)
            {
                received += count;
            }
        }
        catch (SocketException exception)
        {
            error = exception.SocketErrorCode.ToString();
        }

        return new Download(received, expected, error);
    }

    private static async Task SkipHeadAsync(Socket socket, CancellationToken cancellationToken)
    {
        // Byte by byte, so that nothing of the body is taken.
        var one = new byte[1];
        for (var matched = 0; matched < 4;)
        {
            if (await socket.ReceiveAsync(one, cancellationToken) == 0)
            {
                return;
            }

            matched = one[0] == "\r\n\r\n"[matched] ? matched + 1 : one[0] == '\r' ? 1 : 0;
        }
    }
}
