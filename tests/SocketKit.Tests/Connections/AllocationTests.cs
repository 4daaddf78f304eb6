using System.Buffers;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>No allocation per message in steady state.</summary>
public class AllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public Task An_echo_in_memory_allocates_nothing_per_message(int messagesPerBatch) =>
        EchoesWithoutAllocationAsync(messagesPerBatch, static (connection, message) => connection.SendAsync(message));

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public Task A_callback_that_writes_the_payload_allocates_nothing_per_message(int messagesPerBatch) =>
        EchoesWithoutAllocationAsync(
            messagesPerBatch, static (connection, message) => connection.SendAsync(message, static (echo, writer) => writer.Write(echo.Span)));

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public Task A_sequence_of_one_segment_allocates_nothing_per_message(int messagesPerBatch) =>
        EchoesWithoutAllocationAsync(messagesPerBatch, static (connection, message) => connection.SendAsync(new ReadOnlySequence<byte>(message)));

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public Task A_sequence_of_several_segments_allocates_nothing_per_message(int messagesPerBatch)
    {
        var (first, last) = (new Piece(), new Piece());
        return EchoesWithoutAllocationAsync(messagesPerBatch, (connection, message) =>
        {
            first.Set(message[..1], last);
            last.Set(message[1..], null);
            return connection.SendAsync(new ReadOnlySequence<byte>(first, 0, last, message.Length - 1));
        });
    }

    [Fact]
    public void TrySend_of_callbacks_and_sequences_allocates_nothing()
    {
        var connection = new RecordingConnection { Records = false };
        var (first, last) = (new Piece(), new Piece());
        first.Set("12"u8.ToArray(), last);
        last.Set("34"u8.ToArray(), null);
        var sequence = new ReadOnlySequence<byte>(first, 0, last, 2);

        Allocations.Of(() =>
        {
            connection.TrySend("1234"u8, static (bytes, writer) => writer.Write(bytes));
            connection.TrySend(sequence);
            connection.SendAsync("1234"u8, static (bytes, writer) => writer.Write(bytes)).Now();
        }).Should().Be(0);
    }

    private static async Task EchoesWithoutAllocationAsync(int messagesPerBatch, Func<IConnection, ReadOnlyMemory<byte>, ValueTask> echo)
    {
        var network = new InMemoryNetwork();
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { network.Listen("echo") },
            Framer = Framers.LengthPrefixed(),
            HandlerFactory = Handlers.OnMessage(echo),
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

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public void Set(ReadOnlyMemory<byte> memory, Piece? next)
        {
            (Memory, Next) = (memory, next);
            if (next is not null)
            {
                next.RunningIndex = RunningIndex + memory.Length;
            }
        }
    }
}
