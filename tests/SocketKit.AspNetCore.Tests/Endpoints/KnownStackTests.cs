using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using SocketKit.AspNetCore.Tests.TestDoubles;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.AspNetCore.Tests.Endpoints;

/// <summary>A handler that blocks holds nobody who brings connections. With SOCKETKIT_STACK_CONNECTIONS=10000 the whole of it.</summary>
public class KnownStackTests(ITestOutputHelper output)
{
    private const int AtOnce = 250;
    private static readonly string[] Starters = ["AcceptLoop", "SocketServer.Accepted", "KestrelEndpoint", "KestrelListener"];

    [Theory]
    [Trait("Fault", "X01")]
    [InlineData(SocketEngine.Auto)]
    [InlineData(SocketEngine.Sockets)]
    [InlineData(null)]
    public async Task No_entry_of_user_code_has_a_starter_below_it(SocketEngine? engine)
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("SOCKETKIT_STACK_CONNECTIONS"), CultureInfo.InvariantCulture, out var asked) ? asked : 500;
        var wrong = new ConcurrentQueue<string>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var entries = 0;
        await using var web = await WebServer.StartAsync(engine, _ => { }, endpoint: listen => listen.UseSocketKit(options =>
        {
            options.Framer = Framers.Lines();
            options.MaxConnections = 2 * AtOnce;
            options.HandlerFactory = _ =>
            {
                Look("factory");
                return new Looking(Look);
            };
        }));

        for (var done = 0; done < count; done += AtOnce)
        {
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => SayAsync(web.EndPoint))).InTime();
        }

        // The last ones are told of their end behind their clients.
        await all.Task.InTime();
        output.WriteLine($"X01: {entries} entries of user code on {count} connections that send at once, {wrong.Count} below a starter");
        wrong.Should().BeEmpty();

        void Look(string entry)
        {
            var stack = new StackTrace().ToString();
            if (Starters.Any(starter => stack.Contains(starter, StringComparison.Ordinal)))
            {
                wrong.Enqueue(entry + stack);
            }

            // Each connection has a factory, a beginning, a message and an end.
            if (Interlocked.Increment(ref entries) == 4 * count)
            {
                all.SetResult();
            }
        }
    }

    private static async Task SayAsync(IPEndPoint server)
    {
        using var client = await RawPeer.ConnectAsync(server);
        await client.SendAsync("hi\n");
        (await client.ReceiveUntilAsync("\n")).Should().Be("hi\n");
    }

    private sealed class Looking(Action<string> look) : ConnectionHandler
    {
        public override ValueTask OnConnectedAsync(IConnection connection)
        {
            look("connected");
            return default;
        }

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            look("message");
            return connection.SendAsync(message);
        }

        public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            look("closed");
            return default;
        }
    }
}
