using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace SocketKit.Load.Serving;

/// <summary>A web app that gives more than the kernel's buffers hold, in the ways that an app can: a response, an upgraded connection,
/// and connection handlers that wait for the client or leave that to the transport. The client begins with a byte,
/// or a request.</summary>
internal sealed class DownloadServer : IAsyncDisposable
{
    private const int ChunkLength = 64 * 1024;

    private static readonly byte[] Chunk = new byte[ChunkLength];

    private readonly WebApplication _application;

    private DownloadServer(WebApplication application)
    {
        _application = application;
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        EndPoints = [.. addresses.Select(one => new IPEndPoint(IPAddress.Loopback, new Uri(one).Port))];
    }

    /// <summary>Of HTTP; of the handler that waits; of the one that does not.</summary>
    public IPEndPoint[] EndPoints { get; }

    /// <param name="engine">Of SocketKit's transport; null: Kestrel's own one.</param>
    /// <param name="chunks">How many chunks each download has.</param>
    public static async Task<DownloadServer> StartAsync(string? engine, int chunks)
    {
        var builder = KestrelServer.CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Run(connection => ServeAsync(connection, chunks, waits: true)));
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Run(connection => ServeAsync(connection, chunks, waits: false)));
        });
        if (engine is not null)
        {
            builder.WebHost.UseSocketKitTransport(transport => transport.Engine = EngineChoice.Of(engine));
        }

        var application = builder.Build();
        application.MapGet("/response", async context =>
        {
            context.Response.ContentLength = (long)chunks * ChunkLength;
            await WriteAsync(context.Response.Body, chunks);
        });
        application.MapGet("/upgrade", async context =>
        {
            await using var stream = await context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
            await WriteAsync(stream, chunks);
        });
        await application.StartAsync();
        return new DownloadServer(application);
    }

    public static long LengthOf(int chunks) => (long)chunks * ChunkLength;

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static async Task WriteAsync(Stream stream, int chunks)
    {
        for (var i = 0; i < chunks; i++)
        {
            await stream.WriteAsync(Chunk);
        }
    }

    private static async Task ServeAsync(ConnectionContext connection, int chunks, bool waits)
    {
        var read = await connection.Transport.Input.ReadAsync();
        connection.Transport.Input.AdvanceTo(read.Buffer.End);
        var output = connection.Transport.Output;
        for (var i = 0; i < chunks; i++)
        {
            if (waits)
            {
                await output.WriteAsync(Chunk);
            }
            else
            {
                Chunk.CopyTo(output.GetSpan(ChunkLength));
                output.Advance(ChunkLength);
            }
        }
    }
}
