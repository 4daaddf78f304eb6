using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>No allocation per message in steady state.</summary>
public class AllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task An_echo_in_memory_allocates_nothing_per_message(int messagesPerBatch)
    {
        var network = new InMemoryNetwork();
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { network.Listen("echo") },
            Framer = Framers.LengthPrefixed(),
            HandlerFactory = Handlers.OnMessage((connection, message) => connection.SendAsync(message)),
            TimeProvider = new WatchedTime(),
        });
        await server.StartAsync();
        await using var wire = await network.ConnectAsync("echo");
        var batch = Enumerable.Repeat(new byte[] { 0, 0, 0, 4, 1, 2, 3, 4 }, messagesPerBatch).SelectMany(message => message).ToArray();
        var received = new byte[batch.Length];

        // The library's work is done on the network's thread, whose allocations are counted there.
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 10 && least > 0; attempt++)
        {
            Echo(500);
            var (thread, before) = Measure();
            Echo(500);
            var (sameThread, after) = Measure();
            least = thread == sameThread ? Math.Min(least, after - before) : least;
        }

        // Reading the counter costs a few bytes itself: less than one byte per batch.
        least.Should().BeLessThan(500);

        void Echo(int count)
        {
            for (var i = 0; i < count; i++)
            {
                wire.SendAsync(batch).Now();
                wire.ReceiveAsync(received).Now().Count.Should().Be(batch.Length);
            }
        }

        (int Thread, long Bytes) Measure()
        {
            (int, long) measured = default;
            network.Run(() => measured = (Environment.CurrentManagedThreadId, GC.GetAllocatedBytesForCurrentThread()));
            return measured;
        }
    }
}
