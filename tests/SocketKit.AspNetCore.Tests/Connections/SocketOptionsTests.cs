using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using SocketKit.AspNetCore.Tests.TestDoubles;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Connections;

/// <summary>The kernel treats a web app's connections as it does on Kestrel's own transport, unless the app asks for something
/// else.</summary>
public class SocketOptionsTests
{
    private const int Tcp = 6;
    private const int UserTimeout = 18;

    // Names of their own, as some of the runtime's share a number.
    private static readonly (SocketOptionLevel Level, SocketOptionName Name, string Key)[] Asked =
    [
        (SocketOptionLevel.Socket, SocketOptionName.KeepAlive, nameof(SocketOptionName.KeepAlive)),
        (SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, nameof(SocketOptionName.ReuseAddress)),
        (SocketOptionLevel.Socket, SocketOptionName.SendBuffer, nameof(SocketOptionName.SendBuffer)),
        (SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer, nameof(SocketOptionName.ReceiveBuffer)),
        (SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, nameof(SocketOptionName.OutOfBandInline)),
        (SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, nameof(SocketOptionName.TcpKeepAliveTime)),
        (SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, nameof(SocketOptionName.TcpKeepAliveInterval)),
        (SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, nameof(SocketOptionName.TcpKeepAliveRetryCount)),
    ];

    [Theory]
    [Trait("Fault", "X05")]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task An_accepted_connection_has_the_socket_options_of_Kestrels_own_transport(SocketEngine engine)
    {
        var own = await AskAsync(engine: null);

        var ours = await AskAsync(engine);

        ours.Should().Equal(own);
        ours.Should().Contain("KeepAlive", 0).And.Contain("NoDelay", 1);
        if (OperatingSystem.IsLinux())
        {
            ours.Should().Contain("UserTimeout", 0);
        }
    }

    [Theory]
    [Trait("Fault", "X05")]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task An_app_that_asks_for_it_has_dead_peers_found_in_30_seconds(SocketEngine engine)
    {
        var options = await AskAsync(engine, transport =>
        {
            transport.KeepAlive = true;
            transport.UserTimeout = TimeSpan.FromSeconds(30);
        });

        options["KeepAlive"].Should().NotBe(0);
        options["TcpKeepAliveTime"].Should().BeInRange(6, 10, "crowds that came at once are not probed at once");
        (options["TcpKeepAliveInterval"] * options["TcpKeepAliveRetryCount"]).Should().BeInRange(20, 24);
        if (OperatingSystem.IsLinux())
        {
            options["UserTimeout"].Should().Be(30_000);
        }
    }

    [Theory]
    [Trait("Fault", "X05")]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    [InlineData(null)]
    public async Task A_SocketKit_protocol_on_an_end_point_finds_dead_peers_on_every_transport(SocketEngine? engine)
    {
        Dictionary<string, int>? options = null;
        await using var server = await WebServer.StartAsync(engine, _ => { }, endpoint: listen =>
        {
            listen.Use(next => async connection =>
            {
                var socket = connection.Features.Get<IConnectionSocketFeature>()!.Socket;
                var running = next(connection);
                options = Read(socket);
                await running;
            });
            listen.UseSocketKit(protocol =>
            {
                protocol.Framer = Framers.Lines();
                protocol.HandlerFactory = Handlers.Reply(new GuessThanksSorryOkReplies());
                protocol.SlowConsumerTimeout = TimeSpan.FromSeconds(45);
            });
        });
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync("2\n");
        await client.ReceiveUntilAsync("\n");

        options!["KeepAlive"].Should().NotBe(0);
        (options["TcpKeepAliveTime"] + (options["TcpKeepAliveInterval"] * options["TcpKeepAliveRetryCount"])).Should().Be(30);
        if (OperatingSystem.IsLinux())
        {
            options["UserTimeout"].Should().Be(45_000);
        }
    }

    private static async Task<Dictionary<string, int>> AskAsync(SocketEngine? engine, Action<SocketKitTransportOptions>? transport = null)
    {
        Dictionary<string, int>? options = null;
        await using var server = await WebServer.StartAsync(
            engine,
            application => application.MapGet("/", (HttpContext context) => options = Read(context.Features.Get<IConnectionSocketFeature>()!.Socket)),
            transport: transport);
        await server.Http.GetStringAsync("/").InTime();
        return options!;
    }

    private static Dictionary<string, int> Read(Socket socket)
    {
        var options = new Dictionary<string, int>
        {
            ["NoDelay"] = socket.NoDelay ? 1 : 0,
            ["Linger"] = socket.LingerState is { Enabled: true } linger ? linger.LingerTime : -1,
        };
        foreach (var (level, name, key) in Asked)
        {
            options[key] = (int)socket.GetSocketOption(level, name)!;
        }

        if (OperatingSystem.IsLinux())
        {
            Span<byte> value = stackalloc byte[sizeof(int)];
            socket.GetRawSocketOption(Tcp, UserTimeout, value);
            options["UserTimeout"] = BitConverter.ToInt32(value);
        }

        return options;
    }
}
