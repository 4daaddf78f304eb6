using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>
/// Nothing stays of connections that have ended, wherever they ended. About 2 s; with SOCKETKIT_LEAK_CONNECTIONS=100000 the whole of it,
/// about a minute.
/// </summary>
public class LeakTests(ITestOutputHelper output)
{
    private const int AtATime = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private enum End
    {
        AtOnce,
        InAFrame,
        AfterAReset,
        AfterAFinish,
        AfterGarbage,
        InAHandler,
        WithoutReading,
        ByTheServer,
    }

    [Fact]
    [Trait("Fault", "L03")]
    public async Task Connections_that_end_at_any_stage_leave_nothing_behind()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("SOCKETKIT_LEAK_CONNECTIONS"), CultureInfo.InvariantCulture, out var asked) ? asked : 3_000;
        var sessions = new Register();
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { TestEngine.Listen("127.0.0.1", 0, new TcpListenOptions { Backlog = 1000 }) },
            Framer = Framers.Lines(),
            MaxFrameLength = 1000,
            HandlerFactory = _ => sessions.Add(new StagedSession()),
        });
        await server.StartAsync();
        var endPoint = (IPEndPoint)server.EndPoints[0];

        // The same before: what the pool of arrays keeps is as much as was ever in use at a time.
        await RunAsync(endPoint, count);
        await RestAsync(server);
        var heap = Heap();
        var descriptors = Descriptors();

        var watch = Stopwatch.StartNew();
        await RunAsync(endPoint, count);
        await RestAsync(server);
        var elapsed = watch.Elapsed;
        var grown = Heap() - heap;

        output.WriteLine($"L03: {count} connections with faults at each stage in {elapsed.TotalSeconds:0.0} s; {sessions.Alive} sessions left; the heap grew by {grown / 1024.0:0.0} KiB of {heap / 1024.0:0.0}; descriptors {descriptors}, then {Descriptors()}");
        server.Connections.Count.Should().Be(0);
        sessions.Alive.Should().BeLessThanOrEqualTo(AtATime, "the last ones may stand on a thread's stack");

        // What the pool of arrays keeps depends on how many were in use at a time, and not on the number of connections.
        grown.Should().BeLessThan(Math.Max(heap / 20, 4 * 1024 * 1024));

        // The runtime needs some for the threads that it starts.
        Descriptors().Should().BeLessThanOrEqualTo(descriptors + 16);
    }

    private static Task RunAsync(IPEndPoint endPoint, int count)
    {
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => Task.Run(async () =>
        {
            for (int number; (number = Interlocked.Increment(ref next)) < count;)
            {
                // From many addresses, since closed connections keep their ports for a while.
                await EndAsync((End)(number % Enum.GetValues<End>().Length), endPoint, new IPEndPoint(new IPAddress([127, 0, 1, (byte)(1 + (number / 64 % 200))]), 0));
            }
        }))).WaitAsync(Patience);
    }

    private static async Task EndAsync(End end, IPEndPoint endPoint, IPEndPoint source)
    {
        using var peer = await RawPeer.ConnectAsync(endPoint, source: OperatingSystem.IsLinux() ? source : null);
        switch (end)
        {
            case End.InAFrame:
                await peer.SendAsync("half a li");
                peer.Finish();
                await peer.GoneAsync();
                break;
            case End.AfterAReset:
                await peer.EchoAsync("hello");
                peer.Reset();
                break;
            case End.AfterAFinish:
                await peer.EchoAsync("hello");
                peer.Finish();
                await peer.GoneAsync();
                break;
            case End.AfterGarbage:
                await peer.SendAsync(new byte[2_000]);
                await peer.GoneAsync();
                break;
            case End.InAHandler:
                await peer.SendAsync("hold\n");
                peer.Reset();
                break;
            case End.WithoutReading:
                await peer.SendAsync("flood\n");
                peer.Reset();
                break;
            case End.ByTheServer:
                await peer.SendAsync("abort\n");
                await peer.GoneAsync();
                break;
            default:
                break;
        }
    }

    private static async Task RestAsync(SocketServer server)
    {
        foreach (var connection in server.Connections)
        {
            await connection.Closed.WaitAsync(TestServer.Patience);
        }

        SpinWait.SpinUntil(() => server.Connections.Count == 0, TestServer.Patience);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Heap()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        var live = GC.GetGCMemoryInfo(GCKind.FullBlocking);
        return live.HeapSizeBytes - live.FragmentedBytes;
    }

    private static int Descriptors() => OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Length : 0;

    /// <summary>Knows the sessions without holding them.</summary>
    private sealed class Register
    {
        private readonly Lock _gate = new();
        private readonly List<WeakReference> _all = [];

        public int Alive
        {
            get
            {
                lock (_gate)
                {
                    return _all.Count(one => one.IsAlive);
                }
            }
        }

        public StagedSession Add(StagedSession session)
        {
            lock (_gate)
            {
                _all.RemoveAll(one => !one.IsAlive);
                _all.Add(new WeakReference(session));
            }

            return session;
        }
    }

    private sealed class StagedSession : ConnectionHandler
    {
        public override async ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            if (message.Span.SequenceEqual("hold"u8))
            {
                await connection.Closed;
            }
            else if (message.Span.SequenceEqual("flood"u8))
            {
                var news = new byte[900];
                news.AsSpan().Fill((byte)'n');
                for (var i = 0; i < 15 && connection.TrySend(news); i++)
                {
                }
            }
            else if (message.Span.SequenceEqual("abort"u8))
            {
                connection.Abort();
            }
            else
            {
                await connection.SendAsync(message);
            }
        }
    }
}
