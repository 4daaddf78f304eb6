using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using SocketKit.AspNetCore.Tests.TestDoubles;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Http;

public class HttpTests
{
    private const int Large = 24 * 1024 * 1024;

    [Theory]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http1, false)]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http1, true)]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http2, false)]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http2, true)]
    [InlineData(SocketEngine.Sockets, HttpProtocols.Http1, false)]
    [InlineData(SocketEngine.Sockets, HttpProtocols.Http2, true)]
    public async Task Large_bodies_arrive_whole_in_both_directions(SocketEngine engine, HttpProtocols protocols, bool tls)
    {
        await using var server = await WebServer.StartAsync(engine, Map, protocols, tls);
        var body = Bytes.Pattern(Large);

        using var sent = await server.Http.SendAsync(Request(HttpMethod.Post, "/hash", protocols, new ByteArrayContent(body))).InTime();
        (await sent.Content.ReadAsStringAsync()).Should().Be(Convert.ToHexString(SHA256.HashData(body)));

        using var got = await server.Http.SendAsync(Request(HttpMethod.Get, "/large", protocols)).InTime();
        (await got.Content.ReadAsByteArrayAsync().InTime()).AsSpan().SequenceEqual(body).Should().BeTrue();

        got.Version.Major.Should().Be(protocols == HttpProtocols.Http2 ? 2 : 1);
    }

    [Theory]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http1, false)]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http1, true)]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http2, false)]
    [InlineData(SocketEngine.Auto, HttpProtocols.Http2, true)]
    [InlineData(SocketEngine.Sockets, HttpProtocols.Http1, false)]
    [InlineData(SocketEngine.Sockets, HttpProtocols.Http2, false)]
    public async Task Many_requests_at_once_are_all_answered(SocketEngine engine, HttpProtocols protocols, bool tls)
    {
        await using var server = await WebServer.StartAsync(engine, Map, protocols, tls);

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            using var response = await server.Http.SendAsync(Request(HttpMethod.Post, i % 3 == 0 ? "/slow" : "/echo", protocols, new StringContent("request " + i)));
            return await response.Content.ReadAsStringAsync();
        })).InTime();

        answers.Should().Equal(Enumerable.Range(0, 300).Select(i => "request " + i));
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task Pipelined_requests_are_answered_in_order_on_one_connection(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, Map);
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync(string.Concat(Enumerable.Range(0, 200).Select(i => $"GET /number/{i} HTTP/1.1\r\nHost: x\r\n\r\n")));

        for (var i = 0; i < 200; i++)
        {
            (await client.ReceiveUntilAsync($"number {i};")).Should().Contain("200 OK");
        }
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task A_response_does_not_wait_for_the_next_request_that_came_with_it(SocketEngine engine)
    {
        var next = new TaskCompletionSource();
        await using var server = await WebServer.StartAsync(engine, application =>
        {
            Map(application);
            application.MapGet("/next", async () =>
            {
                await next.Task;
                return "next;";
            });
        });
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        // The third one is not complete.
        await client.SendAsync("GET /number/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\nGET /number/3 HTTP");

        (await client.ReceiveUntilAsync("number 1;")).Should().Contain("200 OK");
        next.SetResult();
        (await client.ReceiveUntilAsync("next;")).Should().Contain("200 OK");
        await client.SendAsync("/1.1\r\nHost: x\r\n\r\n");
        (await client.ReceiveUntilAsync("number 3;")).Should().Contain("200 OK");
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task A_connection_is_kept_alive_and_a_request_may_come_byte_by_byte(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, Map);
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        for (var i = 0; i < 3; i++)
        {
            foreach (var letter in $"GET /number/{i} HTTP/1.1\r\nHost: x\r\n\r\n")
            {
                await client.SendAsync(letter.ToString());
            }

            (await client.ReceiveUntilAsync($"number {i};")).Should().Contain("200 OK");
        }
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task Chunked_bodies_pass_in_both_directions(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, Map);
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        var head = await client.ReceiveUntilAsync("5\r\nhello\r\n");
        await client.SendAsync("6\r\n again\r\n0\r\n\r\n");

        head.Should().Contain("Transfer-Encoding: chunked");
        (await client.ReceiveUntilAsync("0\r\n\r\n")).Should().Be("6\r\n again\r\n0\r\n\r\n");
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task A_connection_that_is_to_be_closed_ends_after_the_whole_response(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, Map);
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync("GET /number/7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        (await client.ReceiveTextToEndAsync()).Should().EndWith("number 7;\r\n0\r\n\r\n");
    }

    [Theory]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    public async Task A_refused_body_does_not_destroy_the_response(SocketEngine engine)
    {
        await using var server = await WebServer.StartAsync(engine, Map);
        using var client = await RawPeer.ConnectAsync(server.EndPoint);

        await client.SendAsync("GET / HTTP/1.1\r\nbroken line\r\n\r\n" + new string('x', 100_000));

        (await client.ReceiveUntilAsync("\r\n")).Should().Contain("400");
    }

    [Fact]
    public async Task A_handler_that_blocks_does_not_stop_the_others()
    {
        using var release = new ManualResetEventSlim();
        await using var server = await WebServer.StartAsync(SocketEngine.Auto, application =>
        {
            Map(application);
            application.MapGet("/block", () => release.Wait(Bytes.Bound) ? "released" : "late");
        });
        var blocked = Enumerable.Range(0, 8).Select(_ => server.Http.GetStringAsync("/block")).ToArray();

        for (var i = 0; i < 20; i++)
        {
            (await server.Http.GetStringAsync($"/number/{i}").InTime()).Should().Be($"number {i};");
        }

        release.Set();
        (await Task.WhenAll(blocked).InTime()).Should().AllBe("released");
    }

    internal static void Map(WebApplication application)
    {
        application.MapGet("/number/{i}", (int i) => $"number {i};");
        application.MapPost("/hash", async context => await context.Response.WriteAsync(Convert.ToHexString(await SHA256.HashDataAsync(context.Request.Body))));
        application.MapGet("/large", async context => await context.Response.Body.WriteAsync(Bytes.Pattern(Large)));
        application.MapPost("/echo", async context =>
        {
            while (true)
            {
                var read = await context.Request.BodyReader.ReadAsync();
                foreach (var piece in read.Buffer)
                {
                    await context.Response.Body.WriteAsync(piece);
                }

                context.Request.BodyReader.AdvanceTo(read.Buffer.End);
                await context.Response.Body.FlushAsync();
                if (read.IsCompleted)
                {
                    return;
                }
            }
        });
        application.MapPost("/slow", async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var text = await reader.ReadToEndAsync();
            await Task.Yield();
            await context.Response.WriteAsync(text);
        });
    }

    internal static HttpRequestMessage Request(HttpMethod method, string path, HttpProtocols protocols, HttpContent? content = null) =>
        new(method, path)
        {
            Version = protocols == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
}
