using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace SocketKit.Load.Serving;

/// <summary>
/// The smallest web app: <c>GET /plaintext</c> is answered with a few bytes of text. On Kestrel's own transport, or on SocketKit's.
/// </summary>
internal static class PlaintextServer
{
    private static readonly byte[] Body = "Hello, World!"u8.ToArray();

    public static Task<IMeasuredServer> StartAsync(ServeOptions options)
    {
        var builder = KestrelServer.CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen => listen.Protocols = options.Http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        });
        if (options.Http2)
        {
            builder.Services.AddGrpc();
        }

        if (options.Kind == ServeOptions.HttpSocketKit)
        {
            builder.WebHost.UseSocketKitTransport(transport => transport.Engine = EngineChoice.Of(options.Engine));
        }

        var application = builder.Build();
        application.MapGet("/plaintext", AnswerAsync);
        if (options.Http2)
        {
            application.MapGrpcService<GrpcEcho>();
        }

        return KestrelServer.StartAsync(application);
    }

    // A handler that returns a string would send it in chunks.
    private static Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain";
        context.Response.ContentLength = Body.Length;
        return context.Response.Body.WriteAsync(Body, 0, Body.Length);
    }
}
