using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>
/// User code runs from its connection's own dispatch, never below whoever started the connection. With SOCKETKIT_STACK_CONNECTIONS=10000
/// the whole of it.
/// </summary>
public class KnownStackTests(ITestOutputHelper output)
{
    private const int AtOnce = 250;
    private static readonly string[] Starters = ["AcceptLoop", "SocketServer.Accepted", "ClientSession", "ClientLoop"];

    [Fact]
    [Trait("Fault", "X01")]
    public async Task No_entry_of_user_code_has_a_starter_below_it()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("SOCKETKIT_STACK_CONNECTIONS"), CultureInfo.InvariantCulture, out var asked) ? asked : 1_000;
        var wrong = new ConcurrentQueue<string>();
        var entries = 0;
        await using var server = await TestServer.StartAsync(configure: options =>
        {
            options.HandlerFactory = _ =>
            {
                Look("factory");
                return new Looking(Look);
            };
            options.MaxConnections = 2 * AtOnce;
        });

        for (var done = 0; done < count; done += AtOnce)
        {
            var clients = Enumerable.Range(0, AtOnce).Select(_ => new SocketClient(new SocketClientOptions
            {
                Dialer = TestEngine.Dial(server.EndPoint),
                Framer = Framers.Lines(),
                HandlerFactory = _ =>
                {
                    Look("client's factory");
                    return new Looking(Look);
                },
                OnOpening = (connection, _) =>
                {
                    Look("hook");
                    return connection.SendAsync("hi");
                },
            })).ToArray();
            await Task.WhenAll(clients.Select(client => client.ConnectAsync())).WaitAsync(TestServer.Patience);
            await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask())).WaitAsync(TestServer.Patience);
        }

        output.WriteLine($"X01: {entries} entries of user code on {count} connections that send at once, {wrong.Count} below a starter");
        wrong.Should().BeEmpty();
        entries.Should().BeGreaterThanOrEqualTo(count * 5);

        void Look(string entry)
        {
            Interlocked.Increment(ref entries);
            var stack = new StackTrace().ToString();
            if (Starters.Any(starter => stack.Contains(starter, StringComparison.Ordinal)))
            {
                wrong.Enqueue(entry + stack);
            }
        }
    }

    [Fact]
    [Trait("Fault", "X01")]
    public async Task A_handler_may_wait_for_its_own_clients_disconnect()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            var disconnected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            SocketClient? client = null;
            await using var own = client = new SocketClient(new SocketClientOptions
            {
                Dialer = TestEngine.Dial(server.EndPoint),
                Framer = Framers.Lines(),

                // Whoever blocks here does not read, so the close waits for its time.
                CloseTimeout = TimeSpan.FromMilliseconds(10),
                OnOpening = (connection, _) => connection.SendAsync("hi"),
                HandlerFactory = Handlers.OnMessage((_, _) =>
                {
                    // What a handler must not do, and some do.
                    if (client!.DisconnectAsync().Wait(TestServer.Patience))
                    {
                        disconnected.SetResult();
                    }

                    return default;
                }),
            });
            await client.ConnectAsync().WaitAsync(TestServer.Patience);
            await disconnected.Task.WaitAsync(TestServer.Patience);
        }
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
            return default;
        }

        public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            look("closed");
            return default;
        }
    }
}
