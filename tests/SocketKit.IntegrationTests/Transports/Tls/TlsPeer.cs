using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>A client of another make: the runtime's SslStream over a plain socket.</summary>
internal sealed class TlsPeer : IDisposable
{
    private TlsPeer(RawPeer raw, SslStream stream)
    {
        Raw = raw;
        Stream = stream;
    }

    /// <summary>The socket underneath.</summary>
    public RawPeer Raw { get; }

    public SslStream Stream { get; }

    /// <param name="endPoint">Where to.</param>
    /// <param name="configure">Changes the options, which trust the tests' authority.</param>
    /// <param name="receiveBuffer">The kernel's receive buffer in bytes; 0: the system's choice.</param>
    public static async Task<TlsPeer> ConnectAsync(EndPoint endPoint, Action<SslClientAuthenticationOptions>? configure = null, int receiveBuffer = 0)
    {
        var raw = await RawPeer.ConnectAsync(endPoint, receiveBuffer);
        var stream = new SslStream(new NetworkStream(raw.Socket), leaveInnerStreamOpen: false);
        try
        {
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { TestAuthority.Shared.Root }, RevocationMode = X509RevocationMode.NoCheck },
            };
            configure?.Invoke(options);
            await stream.AuthenticateAsClientAsync(options).WaitAsync(TestServer.Patience);
            return new TlsPeer(raw, stream);
        }
        catch
        {
            await stream.DisposeAsync();
            raw.Dispose();
            throw;
        }
    }

    public Task SendAsync(string text) => Stream.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask().WaitAsync(TestServer.Patience);

    public async Task<string> ReceiveLineAsync()
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await Stream.ReadAsync(one).AsTask().WaitAsync(TestServer.Patience) == 1 && one[0] != '\n')
        {
            line.Add(one[0]);
        }

        return Encoding.UTF8.GetString([.. line]);
    }

    public async Task EchoAsync(string text)
    {
        await SendAsync(text + "\n");
        (await ReceiveLineAsync()).Should().Be(text);
    }

    public void Dispose()
    {
        Stream.Dispose();
        Raw.Dispose();
    }
}

/// <summary>A server over TLS.</summary>
internal static class TlsServer
{
    /// <summary>Starts a server that echoes lines, or does what the function says.</summary>
    public static Task<TestServer> StartAsync(Action<TlsListenOptions>? tls = null, Func<IConnection, ReadOnlyMemory<byte>, ValueTask>? onMessage = null, Action<SocketServerOptions>? configure = null) =>
        TestServer.StartAsync(onMessage, options =>
        {
            configure?.Invoke(options);
            options.Listeners[0] = Listen.Tls(options.Listeners[0], TestAuthority.Shared.ListenOptions(tls));
        });

    /// <summary>Connects the library's own client.</summary>
    public static async Task<SocketClient> ConnectAsync(TestServer server, Action<TlsDialOptions>? tls = null, Action<SocketClientOptions>? configure = null)
    {
        var options = new SocketClientOptions
        {
            Dialer = Dial.Tls(TestEngine.Dial(server.EndPoint), TestAuthority.Shared.DialOptions(tls)),
            Framer = Framers.Lines(),
        };
        configure?.Invoke(options);
        var client = new SocketClient(options);
        await client.ConnectAsync().WaitAsync(TestServer.Patience);
        return client;
    }
}
