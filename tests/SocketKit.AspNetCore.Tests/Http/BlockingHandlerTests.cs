using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using SocketKit.AspNetCore.Tests.TestDoubles;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Http;

/// <summary>A handler that blocks its thread holds back nothing that was flushed before: it blocks until the client says that it has
/// it.</summary>
public sealed class BlockingHandlerTests : IDisposable
{
    private readonly ManualResetEventSlim _release = new();

    [Theory]
    [Trait("Fault", "X22")]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task What_a_handler_flushed_before_it_blocks_arrives_although_a_body_is_unread(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, application => application.MapPost("/", async context =>
        {
            for (var i = 0; i < 2; i++)
            {
                await context.Response.WriteAsync($"chunk {i};");
                await context.Response.Body.FlushAsync();
                Block();
            }

            await context.Response.WriteAsync("done");
        }));
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789");

        await client.ReceiveUntilAsync("chunk 0;");
        _release.Set();
        await client.ReceiveUntilAsync("chunk 1;");
        _release.Set();
        await client.ReceiveUntilAsync("done");
    }

    [Theory]
    [Trait("Fault", "X22")]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task Responses_to_pipelined_requests_do_not_wait_for_a_later_one_that_blocks(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, application =>
        {
            application.MapGet("/fast/{id}", (int id) => $"fast {id};");
            application.MapGet("/block/{id}", (int id) =>
            {
                Block();
                return $"blocked {id};";
            });
        });
        using var client = await RawPeer.ConnectAsync(server.EndPoint);
        for (var round = 0; round < 3; round++)
        {
            string[] paths = ["fast/1", "fast/2", "block/3", "fast/4"];
            await client.SendAsync(string.Concat(paths.Select(path => $"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n")));

            await client.ReceiveUntilAsync("fast 1;");
            await client.ReceiveUntilAsync("fast 2;");
            _release.Set();
            await client.ReceiveUntilAsync("blocked 3;");
            await client.ReceiveUntilAsync("fast 4;");
        }
    }

    [Theory]
    [Trait("Fault", "X22")]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task What_was_flushed_in_quick_succession_on_the_pool_arrives_although_the_handler_blocks(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, application => application.MapGet("/", async context =>
        {
            await Task.Yield();
            for (var i = 0; i < 100; i++)
            {
                await context.Response.WriteAsync($"chunk {i};");
                await context.Response.Body.FlushAsync();
            }

            Block();
        }));
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

        await client.ReceiveUntilAsync("chunk 99;");
        _release.Set();
        await client.ReceiveUntilAsync("0\r\n\r\n");
    }

    public void Dispose() => _release.Dispose();

    private void Block()
    {
        if (!_release.Wait(Bytes.Bound))
        {
            throw new TimeoutException("The client has not received what was flushed");
        }

        _release.Reset();
    }
}
