using System.Net;
using System.Net.Sockets;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Tests.Driving;

public class DriverTests
{
    private const int Frame = 36;

    [Fact]
    public async Task A_server_that_spoils_one_byte_is_found_out()
    {
        using var server = new RawServer(socket => Echo(socket, (bytes, at) =>
        {
            const int spoilt = (100 * Frame) + 20;
            if (at <= spoilt && spoilt < at + bytes.Length)
            {
                bytes[(int)(spoilt - at)] ^= 1;
            }
        }));

        var run = () => RunAsync(Load(server.EndPoint) with { Connections = 2, Depth = 8, Time = TimeSpan.FromSeconds(5) });

        (await run.Should().ThrowAsync<WrongReplyException>()).WithMessage("Connection ?, message 100: byte 20 of the echo *");
    }

    [Fact]
    public async Task A_server_that_closes_is_found_out()
    {
        using var server = new RawServer(socket => socket.Receive(new byte[Frame]));

        var run = () => RunAsync(Load(server.EndPoint));

        await run.Should().ThrowAsync<IOException>();
    }

    [Fact]
    public async Task Several_threads_share_the_connections_and_every_reply_counts_once()
    {
        var bytes = 0L;
        using var server = new RawServer(socket => Echo(socket, (part, _) => Interlocked.Add(ref bytes, part.Length)));

        var result = await RunAsync(Load(server.EndPoint) with { Connections = 5, Depth = 3, Threads = 2, Time = TimeSpan.FromSeconds(1) });

        result.Messages.Should().BeInRange(1, bytes / Frame);
        (bytes % Frame).Should().Be(0);
        result.MessagesPerSecond.Should().BeApproximately(result.Messages / result.Seconds, 1);
        result.Latency.P50.Should().BePositive().And.BeLessThanOrEqualTo(result.Latency.Max);
    }

    [Fact]
    public async Task In_open_loop_messages_come_at_the_rate_and_a_late_reply_counts_from_when_its_message_was_due()
    {
        // Answers nothing before it has 20 messages, of which 100 are due per second: the first waits for the 19 after it.
        using var server = new RawServer(socket =>
        {
            var held = new byte[20 * Frame];
            for (var filled = 0; filled < held.Length;)
            {
                filled += socket.Receive(held.AsSpan(filled)) is var count and > 0 ? count : throw new SocketException((int)SocketError.ConnectionReset);
            }

            socket.Send(held);
            Echo(socket, (_, _) => { });
        });

        var result = await RunAsync(Load(server.EndPoint) with { Rate = 100, Time = TimeSpan.FromSeconds(0.5) });

        result.Rate.Should().Be(100);
        result.Unanswered.Should().Be(0);
        result.Latency.Max.Should().BeGreaterThan(189_000);
    }

    [Fact]
    public async Task In_open_loop_messages_without_a_reply_count_with_the_time_that_they_waited()
    {
        using var server = new RawServer(socket =>
        {
            // One reply, so that there is a figure, and then silence.
            var first = new byte[Frame];
            for (var filled = 0; filled < Frame;)
            {
                filled += socket.Receive(first.AsSpan(filled));
            }

            socket.Send(first);
            while (socket.Receive(new byte[1024]) > 0)
            {
            }
        });

        var result = await RunAsync(Load(server.EndPoint) with { Rate = 100, Time = TimeSpan.FromSeconds(0.5) });

        result.Messages.Should().Be(1);
        result.Unanswered.Should().Be(49);
        result.Latency.P50.Should().BeGreaterThan(5_000_000);
    }

    [Fact]
    public async Task Connections_that_are_left_out_do_not_count()
    {
        // The first connection gets no replies, and nobody waits for it.
        using var server = new RawServer((socket, before) =>
        {
            if (before == 0)
            {
                while (socket.Receive(new byte[1024]) > 0)
                {
                }
            }

            Echo(socket, (_, _) => { });
        });

        var result = await RunAsync(Load(server.EndPoint) with { Connections = 4, ExcludeEvery = 4, Rate = 400, Time = TimeSpan.FromSeconds(0.5) });

        result.Unanswered.Should().Be(0);
        result.Messages.Should().BeInRange(1, 150);
    }

    private static LoadOptions Load(EndPoint server) => new(Connections: 1, Depth: 1, Size: Frame - 4) { Server = server, WarmUp = TimeSpan.Zero, Time = TimeSpan.FromSeconds(0.2) };

    private static Task<LoadResult> RunAsync(LoadOptions options) => Task.Run(() => Driver.Run(options)).WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Sends back what comes, after the test has seen it with its place in the stream.</summary>
    private static void Echo(Socket socket, SeeBytes see)
    {
        var buffer = new byte[16 * 1024];
        for (var at = 0L; socket.Receive(buffer) is var count and > 0; at += count)
        {
            see(buffer.AsSpan(0, count), at);
            socket.Send(buffer.AsSpan(0, count));
        }
    }

    private delegate void SeeBytes(Span<byte> bytes, long at);
}
