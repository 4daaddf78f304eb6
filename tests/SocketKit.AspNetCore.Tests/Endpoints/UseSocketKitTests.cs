using System.Net.Security;
using Microsoft.Extensions.DependencyInjection;
using SocketKit.AspNetCore.Tests.TestDoubles;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Endpoints;

public class UseSocketKitTests
{
    [Theory]
    [InlineData(SocketEngine.Auto, false)]
    [InlineData(SocketEngine.Auto, true)]
    [InlineData(SocketEngine.Sockets, false)]
    [InlineData(SocketEngine.Sockets, true)]
    public async Task A_protocol_is_served_and_a_half_closed_peer_gets_its_replies(SocketEngine engine, bool tls)
    {
        ISocketServer? server = null;
        await using var web = await WebServer.StartAsync(engine, _ => { }, tls: tls, endpoint: listen => listen.UseSocketKit(options =>
        {
            options.Framer = Framers.Lines();
            options.HandlerFactory = Handlers.OnText((connection, text) =>
            {
                server = connection.Server;
                return connection.SendAsync("re: " + text);
            });
        }).Should().BeSameAs(listen));
        using var client = await RawPeer.ConnectAsync(web.EndPoint);
        await using Stream stream = tls ? await SecureAsync(client) : new System.Net.Sockets.NetworkStream(client.Socket);
        using var reader = new StreamReader(stream);

        await stream.WriteAsync("one\ntwo\n"u8.ToArray());
        (await reader.ReadLineAsync(Bytes.Bound)).Should().Be("re: one");
        (await reader.ReadLineAsync(Bytes.Bound)).Should().Be("re: two");
        server!.Connections.Should().HaveCount(1);
        await server.BroadcastAsync("all"u8.ToArray());
        (await reader.ReadLineAsync(Bytes.Bound)).Should().Be("all");

        await stream.WriteAsync("last\n"u8.ToArray());
        if (tls)
        {
            await ((SslStream)stream).ShutdownAsync();
        }
        else
        {
            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }

        (await reader.ReadToEndAsync().InTime()).Should().Be("re: last\n");
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task A_large_message_passes_in_both_directions(SocketEngine engine)
    {
        await using var web = await WebServer.StartAsync(engine, _ => { }, endpoint: listen => listen.UseSocketKit(options =>
        {
            options.Framer = Framers.LengthPrefixed();
            options.MaxFrameLength = 8 * 1024 * 1024;
            options.MaxQueuedBytes = 16 * 1024 * 1024;
            options.HandlerFactory = Handlers.OnMessage((connection, message) => connection.SendAsync(message));
        }));
        await using var client = new SocketClient(new SocketClientOptions
        {
            Dialer = Dial.Tcp(web.EndPoint),
            Framer = Framers.LengthPrefixed(),
            MaxFrameLength = 8 * 1024 * 1024,
            MaxQueuedBytes = 16 * 1024 * 1024,
        });
        await client.ConnectAsync();
        var sent = Bytes.Pattern(5_000_000);

        for (var i = 0; i < 3; i++)
        {
            using var response = await client.RequestAsync(sent).InTime();
            response.Span.SequenceEqual(sent).Should().BeTrue();
        }
    }

    [Fact]
    public async Task A_named_server_is_a_keyed_service()
    {
        await using var web = await WebServer.StartAsync(SocketEngine.Auto, _ => { }, endpoint: listen => listen.UseSocketKit("lines").Should().BeSameAs(listen), services: services => services.AddSocketKitEndpoint("lines", Lines));
        await using var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Tcp(web.EndPoint), Framer = Framers.Lines() });
        await client.ConnectAsync();
        using var response = await client.RequestAsync("x").InTime();

        response.ToString().Should().Be("re: x");
        web.Application.Services.GetRequiredKeyedService<ISocketServer>("lines").Connections.Should().HaveCount(1);
    }

    [Fact]
    public async Task The_applications_stop_drains_what_is_in_flight_and_says_why_it_closes()
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reason = new TaskCompletionSource<CloseReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var web = await WebServer.StartAsync(SocketEngine.Auto, _ => { }, endpoint: listen => listen.UseSocketKit(options =>
        {
            options.Framer = Framers.Lines();
            options.HandlerFactory = _ => new Waiting(entered, release.Task, reason);
        }));
        using var client = await RawPeer.ConnectAsync(web.EndPoint);
        await client.SendAsync("x\n");
        await entered.Task.InTime();

        var stopping = web.Application.StopAsync();
        stopping.IsCompleted.Should().BeFalse();
        release.SetResult();

        (await client.ReceiveTextToEndAsync()).Should().Be("done\n");
        client.Dispose();
        (await reason.Task.InTime()).Kind.Should().Be(CloseKind.ServerStopping);
        await stopping.InTime();
    }

    [Fact]
    public async Task A_peer_that_resets_is_told_as_such()
    {
        var reason = new TaskCompletionSource<CloseReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var web = await WebServer.StartAsync(SocketEngine.Auto, _ => { }, endpoint: listen => listen.UseSocketKit(options =>
        {
            options.Framer = Framers.Lines();
            options.HandlerFactory = _ => new Waiting(entered, Task.CompletedTask, reason);
        }));
        using var client = await RawPeer.ConnectAsync(web.EndPoint);
        await client.SendAsync("x\n");
        await client.ReceiveUntilAsync("done\n");
        client.Reset();

        (await reason.Task.InTime()).Kind.Should().Be(CloseKind.PeerReset);
    }

    [Fact]
    public async Task Wrong_options_fail_the_start_and_say_what_to_type()
    {
        var start = () => WebServer.StartAsync(SocketEngine.Auto, _ => { }, endpoint: listen => listen.UseSocketKit(_ => { }));

        (await start.Should().ThrowAsync<OptionsException>()).Which.Message.Should().Contain("Framer");
    }

    private static void Lines(SocketServerOptions options)
    {
        options.Framer = Framers.Lines();
        options.HandlerFactory = Handlers.Reply(text => "re: " + text);
    }

    private static async Task<SslStream> SecureAsync(RawPeer client)
    {
        var stream = new SslStream(new System.Net.Sockets.NetworkStream(client.Socket), false, (_, _, _, _) => true);
        await stream.AuthenticateAsClientAsync("localhost").InTime();
        return stream;
    }

    private sealed class Waiting(TaskCompletionSource entered, Task release, TaskCompletionSource<CloseReason> closed) : ConnectionHandler
    {
        public override async ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            entered.SetResult();
            await release;
            await connection.SendAsync("done"u8.ToArray());
        }

        public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            closed.SetResult(reason);
            return default;
        }
    }
}
