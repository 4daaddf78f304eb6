using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace SocketKit.AotSmoke;

/// <summary>TLS in native code: strict validation on both sides, and a certificate that follows its file.</summary>
internal static class TlsChecks
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(50);

    public static async Task RepliesAsync(SocketEngine engine)
    {
        var certificate = TlsCertificate.CreateDevelopment();
        await using var server = await ServeAsync(engine, certificate);
        await using var client = Client(engine, server, certificate);
        await Checks.AskAsync(client);
        Checks.Require(client.Connection?.Tls is { CipherSuite: not 0 }, "the connection does not tell its cipher");
    }

    public static async Task RefuseAsync(SocketEngine engine)
    {
        await using var server = await ServeAsync(engine, TlsCertificate.CreateDevelopment());
        await using var stranger = Client(engine, server, TlsCertificate.CreateDevelopment());
        try
        {
            await stranger.ConnectAsync();
        }
        catch (ConnectException exception)
        {
            Checks.Require(exception.InnerException is TlsException { Failure: TlsFailure.CertificateUntrusted }, $"refused with {exception.InnerException}");
            return;
        }

        Checks.Require(false, "a certificate of nobody's was accepted");
    }

    public static async Task RenewAsync()
    {
        var file = Path.Combine(Path.GetTempPath(), $"socketkit-native-{Environment.ProcessId}.pem");
        try
        {
            var (first, second) = (TlsCertificate.CreateDevelopment(), TlsCertificate.CreateDevelopment());
            await WriteAsync(file, first);
            await using var server = await ServeAsync(SocketEngine.Auto, TlsCertificate.FromPem(file));
            await using var early = Client(SocketEngine.Auto, server, first);
            await early.ConnectAsync();

            await WriteAsync(file, second);
            await using var late = Client(SocketEngine.Auto, server, second, new BackoffReconnect(first: Soon, cap: Soon));
            await Checks.AskAsync(late);
            await Checks.AskAsync(early);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task WriteAsync(string file, TlsCertificate certificate)
    {
        using var key = certificate.Certificate.GetECDsaPrivateKey();
        await File.WriteAllTextAsync(file + ".new", $"{certificate.ExportPem()}\n{key!.ExportPkcs8PrivateKeyPem()}\n");
        File.Move(file + ".new", file, overwrite: true);
    }

    private static Task<SocketServer> ServeAsync(SocketEngine engine, TlsCertificate certificate) =>
        Checks.ServeAsync(Listen.Tls("127.0.0.1", 0, new TlsListenOptions { Certificate = certificate }, new TcpListenOptions { Engine = engine }), Framers.Lines(), Handlers.Reply(new GuessThanksSorryOkReplies()));

    private static SocketClient Client(SocketEngine engine, SocketServer server, TlsCertificate trusted, IReconnectPolicy? reconnect = null)
    {
        var tls = new TlsDialOptions { Authorities = { trusted.Certificate } };
        var options = new SocketClientOptions { Dialer = Dial.Tls("127.0.0.1", ((IPEndPoint)server.EndPoints[0]).Port, tls, new TcpDialOptions { Engine = engine }), Framer = Framers.Lines() };
        if (reconnect is not null)
        {
            options.Reconnect = reconnect;
        }

        return new SocketClient(options);
    }
}
