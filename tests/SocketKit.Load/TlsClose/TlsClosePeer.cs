using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit.Load.TlsClose;

/// <summary>
/// The other end of the victim's connections: sends densely, reads everything, and tells how each connection ended. It is made of
/// SslStream alone, and never has two calls on one stream that .NET does not allow.
/// Thread-safe.
/// </summary>
internal sealed class TlsClosePeer(X509Certificate2 certificate, SslProtocols protocol, Dictionary<CloseCause, EndCounts> ends)
{
    private const int LineLength = 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private static readonly byte[] Flood = MakeFlood();

    /// <summary>Connects to the victim again and again.</summary>
    public async Task ConnectLoopAsync(CloseCause cause, int port, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port, stop);
            }
            catch (SocketException)
            {
                // The victim's server is between two starts, or the victim is gone.
                await Task.Delay(5, CancellationToken.None);
                continue;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await RunAsync(cause, socket, server: false, stop);
        }
    }

    /// <summary>Takes the victim's connections.</summary>
    public async Task AcceptLoopAsync(CloseCause cause, Socket listener, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            _ = Task.Run(
                async () =>
                {
                    using (socket)
                    {
                        await RunAsync(cause, socket, server: true, stop);
                    }
                },
                CancellationToken.None);
        }
    }

    private async Task RunAsync(CloseCause cause, Socket socket, bool server, CancellationToken stop)
    {
        socket.NoDelay = true;
        var wire = new EndWatch(socket);
        await using var tls = new SslStream(wire);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await HandshakeAsync(tls, server, patience.Token);
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException or OperationCanceledException)
        {
            // The victim stops listening, or this run is over.
            return;
        }

        using var over = new CancellationTokenSource();
        var writing = Task.Run(() => FloodAsync(cause, tls, over.Token), CancellationToken.None);
        var counts = ends[cause];
        var opened = false;
        try
        {
            var buffer = new byte[64 * 1024];
            while (await tls.ReadAsync(buffer, patience.Token) > 0)
            {
                opened = true;
            }

            if (!opened)
            {
                // A server that stops ends a handshake abruptly, and the peer may have finished its half already.
            }
            else if (wire.SawEnd)
            {
                counts.CountTruncated();
            }
            else
            {
                counts.CountClean();
            }
        }
        catch (OperationCanceledException)
        {
            counts.CountStuck();
        }
        catch (IOException)
        {
            // What the end of the run cuts off is none of the victim's ends.
            if (opened && !stop.IsCancellationRequested)
            {
                counts.CountReset();
            }
        }

        await over.CancelAsync();
        await writing;
    }

    private Task HandshakeAsync(SslStream tls, bool server, CancellationToken cancellationToken) => server
        ? tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = protocol }, cancellationToken)
#pragma warning disable CA5359 // The peer keeps no secret.
        : tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = protocol, RemoteCertificateValidationCallback = (_, _, _, _) => true }, cancellationToken);
#pragma warning restore CA5359

    /// <summary>Writes until the connection is over, in pieces of all sizes, and what ends the connection when its time has come.</summary>
    private static async Task FloodAsync(CloseCause cause, SslStream tls, CancellationToken over)
    {
        var trigger = cause.Trigger();
        var due = Environment.TickCount64 + Random.Shared.Next(1, 15);
        try
        {
            while (!over.IsCancellationRequested)
            {
                if (trigger != 0 && Environment.TickCount64 >= due)
                {
                    await tls.WriteAsync(new[] { trigger, (byte)'\n' }, over);
                    trigger = 0;
                }

                await tls.WriteAsync(Flood.AsMemory(0, LineLength * Random.Shared.Next(1, Flood.Length / LineLength)), over);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The reader tells how it ended.
        }
    }

    private static byte[] MakeFlood()
    {
        var flood = new byte[32 * 1024];
        Array.Fill(flood, (byte)'x');
        for (var i = LineLength - 1; i < flood.Length; i += LineLength)
        {
            flood[i] = (byte)'\n';
        }

        return flood;
    }

    /// <summary>SslStream's read is 0 with close_notify and without: only the stream below tells them apart.</summary>
    private sealed class EndWatch(Socket socket) : NetworkStream(socket)
    {
        public bool SawEnd { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            if (count == 0 && !buffer.IsEmpty)
            {
                SawEnd = true;
            }

            return count;
        }
    }
}
