using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using SocketKit.AspNetCore.Connections;
using SocketKit.AspNetCore.Tests.TestDoubles;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Http;

public class ConnectionEndTests
{
    [Theory]
    [Trait("Fault", "X26")]
    [InlineData(SocketEngine.Auto, true)]
    [InlineData(SocketEngine.Auto, false)]
    [InlineData(SocketEngine.Sockets, true)]
    [InlineData(SocketEngine.Sockets, false)]
    public async Task A_client_that_goes_is_noticed_within_half_a_second_although_nobody_reads(SocketEngine engine, bool reset)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await WebServer.StartAsync(engine, application => application.MapPost("/wait", async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            entered.SetResult();
            await aborted.Task;
        }));
        var client = await RawPeer.ConnectAsync(server.EndPoint);

        // More of the body than anybody reads.
        await client.SendAsync("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + new string('x', 50_000));
        await entered.Task.InTime();
        await NoticedAsync(client, reset, aborted.Task, TimeSpan.FromSeconds(0.5));
    }

    [Theory]
    [Trait("Fault", "X26")]
    [InlineData(SocketEngine.Auto, true)]
    [InlineData(SocketEngine.Auto, false)]
    [InlineData(SocketEngine.Sockets, true)]
    [InlineData(SocketEngine.Sockets, false)]
    public async Task A_stream_of_events_that_has_nothing_to_say_ends_with_its_client(SocketEngine engine, bool reset)
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await WebServer.StartAsync(engine, application => application.MapGet("/events", async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: hello\n\n");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            aborted.SetResult();
        }));
        var client = await RawPeer.ConnectAsync(server.EndPoint);
        await client.SendAsync("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
        await client.ReceiveUntilAsync("data: hello\n\n");
        await NoticedAsync(client, reset, aborted.Task, TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http1)]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http2)]
    [InlineData(SocketEngine.Sockets, HttpProtocols.Http2)]
    public async Task A_cancelled_request_is_aborted_at_the_server(SocketEngine engine, HttpProtocols protocols)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await WebServer.StartAsync(engine, application => application.MapGet("/wait", async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            entered.SetResult();
            await aborted.Task;
        }), protocols);
        using var cancel = new CancellationTokenSource();
        using var request = HttpTests.Request(HttpMethod.Get, "/wait", protocols);
        var response = server.Http.SendAsync(request, cancel.Token);
        await entered.Task.InTime();

        await cancel.CancelAsync();

        await aborted.Task.InTime();
        await FluentActions.Awaiting(() => response).Should().ThrowAsync<OperationCanceledException>();
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task An_abort_by_the_application_resets_the_client(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, application => application.MapGet("/abort", (HttpContext context) => context.Abort()));
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync("GET /abort HTTP/1.1\r\nHost: x\r\n\r\n");

        var reset = await FluentActions.Awaiting(client.ReceiveTextToEndAsync).Should().ThrowAsync<SocketException>();
        reset.Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task A_graceful_shutdown_lets_a_request_in_flight_finish(SocketEngine engine)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await WebServer.StartAsync(engine, application => application.MapGet("/wait", async () =>
        {
            entered.SetResult();
            await release.Task;
            return "done";
        }));
        using var idle = await RawPeer.ConnectAsync(server.EndPoint);
        var response = server.Http.GetStringAsync("/wait");
        await entered.Task.InTime();

        var stopping = server.Application.StopAsync();
        (await idle.ReceiveTextToEndAsync()).Should().BeEmpty();
        await FluentActions.Awaiting(() => RawPeer.ConnectAsync(server.EndPoint)).Should().ThrowAsync<SocketException>();
        stopping.IsCompleted.Should().BeFalse();
        release.SetResult();

        (await response.InTime()).Should().Be("done");
        await stopping.InTime();
    }

    [Fact]
    public async Task A_peer_that_has_finished_sending_still_gets_its_response()
    {
        // By a clock that stands, the grace for an answer never ends.
        await using var server = await WebServer.StartAsync(SocketEngine.Auto, HttpTests.Map, transport: options => options.TimeProvider = new FakeTimeProvider());
        var answered = 0;
        for (var i = 0; i < 100; i++)
        {
            using var client = await RawPeer.ConnectAsync(server.EndPoint);
            await client.SendAsync($"GET /number/{i} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            client.Socket.Shutdown(SocketShutdown.Send);
            answered += (await client.ReceiveTextToEndAsync()).Contains($"number {i};", StringComparison.Ordinal) ? 1 : 0;
        }

        answered.Should().Be(100);
    }

    [Fact]
    public async Task Accepting_gives_null_after_unbinding_and_the_address_is_free()
    {
        var factory = Factory();
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var accepting = listener.AcceptAsync();
        var address = listener.EndPoint;

        await listener.UnbindAsync();

        (await accepting.InTime()).Should().BeNull();
        (await listener.AcceptAsync().InTime()).Should().BeNull();
        await listener.DisposeAsync();
        await (await factory.BindAsync(address)).DisposeAsync();
    }

    [Fact]
    public async Task An_address_in_use_is_told_as_Kestrel_expects_it()
    {
        var factory = Factory();
        await using var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));

        await FluentActions.Awaiting(() => factory.BindAsync(listener.EndPoint).InTime()).Should().ThrowAsync<AddressInUseException>();
    }

    [Fact]
    public void Other_end_points_fall_through()
    {
        var factory = Factory();
        factory.CanBind(new IPEndPoint(IPAddress.Loopback, 0)).Should().BeTrue();
        factory.CanBind(new UnixDomainSocketEndPoint("/nowhere")).Should().BeFalse();
        factory.CanBind(new FileHandleEndPoint(0, FileHandleType.Auto)).Should().BeFalse();
    }

    [Fact]
    public async Task A_connection_has_its_features_and_lets_others_take_their_place()
    {
        var factory = Factory();
        await using var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var accepting = listener.AcceptAsync().AsTask();
        await using var dialled = await factory.ConnectAsync(listener.EndPoint);
        await using var accepted = (await accepting.InTime())!;

        accepted.Features.Get<IConnectionIdFeature>()!.ConnectionId.Should().Be(accepted.ConnectionId).And.NotBe(dialled.ConnectionId);
        accepted.Features.Get<IConnectionItemsFeature>()!.Items.Should().BeSameAs(accepted.Items);
        accepted.Features.Get<IConnectionTransportFeature>()!.Transport.Should().BeSameAs(accepted.Transport);
        accepted.Features.Get<IConnectionEndPointFeature>()!.RemoteEndPoint.Should().Be(dialled.LocalEndPoint);
        accepted.Features.Get<IConnectionSocketFeature>()!.Socket.NoDelay.Should().BeTrue();
        accepted.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed.Should().Be(accepted.ConnectionClosed);
        accepted.Features.Get<ITlsHandshakeFeature>().Should().BeNull();

        accepted.Features.Set<IConnectionItemsFeature>(null);
        accepted.Features.Get<IConnectionItemsFeature>().Should().BeNull();
        accepted.Features.Should().HaveCount(6);
        accepted.Features.Revision.Should().Be(1);
    }

    [Fact]
    public async Task The_end_of_a_connection_waits_for_the_flush_only_so_long()
    {
        var wire = new ScriptedTransport { HoldsSends = true };
        var connection = new TransportConnection(wire, Settings(options => options.FlushTimeout = TimeSpan.FromMilliseconds(50)));
        connection.Transport.Output.GetSpan(1);
        connection.Transport.Output.Advance(1);

        await connection.DisposeAsync().InTime();

        (wire.IsAborted, wire.IsDisposed, wire.IsFinished).Should().Be((true, true, false));
        connection.ConnectionClosed.IsCancellationRequested.Should().BeTrue();
    }

    [Fact]
    [Trait("Fault", "X05")]
    public async Task By_default_the_end_of_a_connection_waits_for_a_peer_that_pauses()
    {
        var time = new FakeTimeProvider();
        var wire = new ScriptedTransport { HoldsSends = true };
        var connection = new TransportConnection(wire, Settings(options => options.TimeProvider = time));
        connection.Transport.Output.GetSpan(1);
        connection.Transport.Output.Advance(1);

        var ending = connection.DisposeAsync();
        time.Advance(TimeSpan.FromDays(1));
        (wire.IsAborted, ending.IsCompleted).Should().Be((false, false));
        wire.HoldsSends = false;
        wire.CompleteSend();
        SpinWait.SpinUntil(() => wire.IsReceiving, Bytes.Bound).Should().BeTrue();
        wire.Arrive();

        await ending.InTime();
        (wire.IsAborted, wire.IsFinished).Should().Be((false, true));
    }

    [Fact]
    public async Task A_hang_up_ends_the_connection_without_a_read()
    {
        var wire = new ScriptedTransport();
        var connection = new TransportConnection(wire, Settings());
        var closed = new TaskCompletionSource();
        await using var registration = connection.ConnectionClosed.Register(closed.SetResult);

        wire.HangUp();

        await closed.Task.InTime();
        wire.Waits.Should().Be(0);
    }

    private static async Task NoticedAsync(RawPeer client, bool reset, Task noticed, TimeSpan within)
    {
        var watch = Stopwatch.StartNew();
        if (reset)
        {
            client.Reset();
        }
        else
        {
            client.Dispose();
        }

        await noticed.InTime();
        watch.Elapsed.Should().BeLessThan(within + Bytes.Slack);
    }

    private static TransportFactory Factory() => new(Settings());

    private static TransportSettings Settings(Action<SocketKitTransportOptions>? configure = null)
    {
        var services = new ServiceCollection();
        services.AddSocketKitTransport(configure);
        return services.BuildServiceProvider().GetRequiredService<TransportSettings>();
    }
}
