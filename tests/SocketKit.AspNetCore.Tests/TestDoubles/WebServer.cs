using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace SocketKit.AspNetCore.Tests.TestDoubles;

/// <summary>An application on our transport, or on Kestrel's own, on a free port of the loopback.</summary>
internal sealed class WebServer : IAsyncDisposable
{
    private static readonly Lazy<X509Certificate2> Certificate = new(MakeCertificate);

    private WebServer(WebApplication application)
    {
        Application = application;
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Address = new Uri(address);
        EndPoint = new IPEndPoint(IPAddress.Loopback, Address.Port);
        Http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } }) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60) };
    }

    public WebApplication Application { get; }

    public Uri Address { get; }

    public IPEndPoint EndPoint { get; }

    public HttpClient Http { get; }

    /// <param name="engine">Of our transport; null: Kestrel's own one.</param>
    public static async Task<WebServer> StartAsync(
        SocketEngine? engine, Action<WebApplication> map, HttpProtocols protocols = HttpProtocols.Http1, bool tls = false, Action<Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions>? endpoint = null, Action<IServiceCollection>? services = null, Action<SocketKitTransportOptions>? transport = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (engine is { } ours)
        {
            builder.WebHost.UseSocketKitTransport(options =>
            {
                options.Engine = ours;
                transport?.Invoke(options);
            });
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = protocols;
                if (tls)
                {
                    listen.UseHttps(Certificate.Value, https => https.HandshakeTimeout = TimeSpan.FromSeconds(60));
                }

                endpoint?.Invoke(listen);
            });
        });
        services?.Invoke(builder.Services);
        var application = builder.Build();
        map(application);
        await application.StartAsync();
        return new WebServer(application);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Application.DisposeAsync();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}

