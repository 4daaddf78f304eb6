using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace SocketKit.Load.Serving;

/// <summary>
/// Kestrel with its defaults. By itself it has a connection handler: a loop over its pipes, one flush for all replies to what one read
/// brought.
/// </summary>
internal sealed class KestrelServer : IMeasuredServer
{
    private readonly WebApplication _application;

    private KestrelServer(WebApplication application, int port)
    {
        _application = application;
        Port = port;
    }

    public int Port { get; }

    public static async Task<IMeasuredServer> StartAsync(int port, bool tls)
    {
        var builder = CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            if (tls)
            {
                listen.UseHttps(TlsCertificate.CreateDevelopment().Certificate);
            }

            listen.UseConnectionHandler<Echo>();
        }));
        return await StartAsync(builder.Build());
    }

    /// <summary>An application that logs nothing: what it would log is not what is measured.</summary>
    public static WebApplicationBuilder CreateBuilder()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        return builder;
    }

    /// <summary>Starts an application that has one end point.</summary>
    public static async Task<IMeasuredServer> StartAsync(WebApplication application)
    {
        await application.StartAsync();
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new KestrelServer(application, new Uri(address).Port);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private sealed class Echo : Microsoft.AspNetCore.Connections.ConnectionHandler
    {
        public override async Task OnConnectedAsync(ConnectionContext connection)
        {
            var (input, output) = (connection.Transport.Input, connection.Transport.Output);
            try
            {
                while (true)
                {
                    var read = await input.ReadAsync();
                    var rest = EchoWhole(read.Buffer, output);
                    input.AdvanceTo(rest.Start, rest.End);
                    var flushed = await output.FlushAsync();
                    if (read.IsCompleted || flushed.IsCompleted)
                    {
                        return;
                    }
                }
            }
            catch (Exception exception) when (exception is ConnectionResetException or ConnectionAbortedException)
            {
                // The peer is gone, and so is the work.
            }
        }

        private static ReadOnlySequence<byte> EchoWhole(ReadOnlySequence<byte> buffer, PipeWriter output)
        {
            while (buffer.Length >= 4)
            {
                var length = LengthOf(buffer);
                if (buffer.Length - 4 < length)
                {
                    break;
                }

                BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(4), length);
                output.Advance(4);
                foreach (var segment in buffer.Slice(4, length))
                {
                    output.Write(segment.Span);
                }

                buffer = buffer.Slice(4 + length);
            }

            return buffer;
        }

        private static int LengthOf(ReadOnlySequence<byte> buffer)
        {
            Span<byte> header = stackalloc byte[4];
            buffer.Slice(0, 4).CopyTo(header);
            var length = BinaryPrimitives.ReadInt32BigEndian(header);
            return length is >= 0 and <= ServeOptions.MaxFrameLength ? length : throw new InvalidDataException($"A frame of {length} bytes.");
        }
    }
}
