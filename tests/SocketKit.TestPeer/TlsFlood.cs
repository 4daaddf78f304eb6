using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace SocketKit.TestPeer;

/// <summary>
/// Clients from 127.0.0.2 that do nothing but TLS handshakes, as fast as they are let, until the standard input ends. The command
/// <c>count</c> tells how many were finished.
/// </summary>
internal static class TlsFlood
{
    private static long _handshakes;

    public static int Run(int port, int clients)
    {
        for (var i = 0; i < clients; i++)
        {
            _ = Task.Run(() => FloodAsync(port));
        }

        Console.WriteLine("flooding");
        while (Console.In.ReadLine() is { } line)
        {
            Console.WriteLine(line == "count" ? $"handshakes {Interlocked.Read(ref _handshakes)}" : $"unknown command {line}");
        }

        return 0;
    }

    private static async Task FloodAsync(int port)
    {
        while (true)
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                await socket.ConnectAsync(IPAddress.Loopback, port);
                await using var stream = new SslStream(new NetworkStream(socket));
#pragma warning disable CA5359 // Whoever floods a server does not care whose it is.
                await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true, AllowTlsResume = false });
#pragma warning restore CA5359
                Interlocked.Increment(ref _handshakes);
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception exception) when (exception is SocketException or IOException or AuthenticationException)
            {
                // Refused or out of patience: again.
                await Task.Delay(10);
            }
        }
    }
}
