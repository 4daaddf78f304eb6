using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>Sends that race, overtake the network, or are cut short.</summary>
public class SendTests(ITestOutputHelper output)
{
    private const int Threads = 8;

    /// <summary>What happens to a connection while many threads send on it.</summary>
    public enum End
    {
        Close,
        Abort,
        Stop,
        PeerResets,
        WaitsAreCancelled,
    }

    [Theory]
    [Trait("Fault", "B03")]
    [InlineData(End.Close)]
    [InlineData(End.Abort)]
    [InlineData(End.Stop)]
    [InlineData(End.PeerResets)]
    [InlineData(End.WaitsAreCancelled)]
    public async Task Frames_of_many_threads_never_mix_whatever_ends_them(End end)
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            await using var server = await TestServer.StartAsync(configure: options =>
            {
                options.Framer = Framers.LengthPrefixed();
                (options.DrainTimeout, options.CloseTimeout) = (TestServer.Patience, TestServer.Patience);
            });
            using var peer = await RawPeer.ConnectAsync(server.EndPoint);
            var session = await server.OpenedAsync();
            using var cancellation = new CancellationTokenSource();
            var reader = new CheckedReader(peer, Threads);
            var reading = reader.RunAsync();

            var senders = Enumerable.Range(0, Threads).Select(thread => Task.Run(() => SendAsync(session.Connection, (byte)thread, cancellation.Token))).ToArray();
            await reader.SeenAsync(300 + (attempt * 237));
            await EndAsync(end, server, session.Connection, peer, cancellation);
            var accepted = await Task.WhenAll(senders).WaitAsync(TestServer.Patience);
            if (end == End.WaitsAreCancelled)
            {
                await session.Connection.CloseAsync().AsTask().WaitAsync(TestServer.Patience);
            }

            await reading.WaitAsync(TestServer.Patience);
            if (end is End.Close or End.Stop or End.WaitsAreCancelled)
            {
                reader.Frames.Should().Equal(accepted, "a graceful close delivers all that was accepted");
                reader.Truncated.Should().BeFalse();
            }

            for (var thread = 0; thread < Threads; thread++)
            {
                reader.Frames[thread].Should().BeLessThanOrEqualTo(accepted[thread]);
            }

            peer.Dispose();
            (await session.ClosedAsync()).By.Should().Be(end == End.PeerResets ? CloseParty.Peer : CloseParty.Local);
            var late = async () => await session.Connection.SendAsync("late");
            await late.Should().ThrowAsync<ConnectionClosedException>();
            session.Connection.TrySend("late").Should().BeFalse();
        }
    }

    [Fact]
    [Trait("Fault", "B02")]
    public async Task Sends_that_nobody_awaits_end_at_the_limit()
    {
        const int limit = 1024 * 1024;
        await using var server = await TestServer.StartAsync(configure: options =>
        {
            SmallBuffersListener.Use(options);
            options.MaxQueuedBytes = limit;
        });
        using var peer = await RawPeer.ConnectAsync(server.EndPoint, receiveBuffer: 4096);
        var connection = (await server.OpenedAsync()).Connection;
        var message = new byte[10_000];
        var pending = new List<Task>();
        CloseReason? reason = null;
        while (reason is null)
        {
            try
            {
                pending.Add(connection.SendAsync(message).AsTask());
            }
            catch (ConnectionClosedException exception)
            {
                reason = exception.Reason;
            }
        }

        output.WriteLine($"B02: {pending.Count} sends of {message.Length} bytes that nobody awaits were accepted, limit {limit} bytes");
        reason.Kind.Should().Be(CloseKind.SlowConsumer);
        pending.Count.Should().BeLessThan((limit / message.Length) + 20, "the kernel has small buffers here");
        pending.Should().Contain(task => !task.IsCompletedSuccessfully);
        var all = () => Task.WhenAll(pending).WaitAsync(TestServer.Patience);
        (await all.Should().ThrowAsync<ConnectionClosedException>()).Which.Reason.UnsentBytes.Should().BeInRange(limit - 100_000, limit + 20_000);
    }

    [Fact]
    [Trait("Fault", "B02")]
    public async Task Sends_that_are_awaited_keep_to_the_pace_of_the_reader()
    {
        const int messages = 500;
        var message = new byte[10_000];
        await using var server = await TestServer.StartAsync(configure: SmallBuffersListener.Use);
        using var peer = await RawPeer.ConnectAsync(server.EndPoint, receiveBuffer: 4096);
        var connection = (await server.OpenedAsync()).Connection;
        var sent = 0L;
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < messages; i++)
            {
                await connection.SendAsync(message);
                Interlocked.Add(ref sent, message.Length + 1);
            }
        });
        var received = 0L;
        var ahead = 0L;
        while (received < messages * (message.Length + 1L))
        {
            ahead = Math.Max(ahead, Interlocked.Read(ref sent) - received);
            var part = (int)Math.Min(5_000, (messages * (message.Length + 1L)) - received);
            await peer.ReceiveAsync(part);
            received += part;
        }

        await sending.WaitAsync(TestServer.Patience);
        output.WriteLine($"B02: the sender was at most {ahead} bytes ahead of the reader");
        ahead.Should().BeLessThan(512 * 1024);
    }

    [Fact]
    [Trait("Fault", "B03")]
    public async Task Cancelling_a_send_abandons_only_the_wait()
    {
        await using var server = await TestServer.StartAsync(configure: SmallBuffersListener.Use);
        using var peer = await RawPeer.ConnectAsync(server.EndPoint, receiveBuffer: 4096);
        var connection = (await server.OpenedAsync()).Connection;
        using var cancellation = new CancellationTokenSource();

        var send = connection.SendAsync(new string('x', 500_000), cancellation.Token).AsTask();
        send.IsCompleted.Should().BeFalse();
        await cancellation.CancelAsync();

        var wait = () => send.WaitAsync(TestServer.Patience);
        await wait.Should().ThrowAsync<OperationCanceledException>();
        var next = connection.SendAsync("next").AsTask();
        (await peer.ReceiveLineAsync()).Should().Be(new string('x', 500_000));
        (await peer.ReceiveLineAsync()).Should().Be("next");
        await next.WaitAsync(TestServer.Patience);
    }

    private static Task EndAsync(End end, TestServer server, IConnection connection, RawPeer peer, CancellationTokenSource cancellation)
    {
        switch (end)
        {
            case End.Close:
                _ = connection.CloseAsync().AsTask();
                return Task.CompletedTask;
            case End.Abort:
                connection.Abort();
                return Task.CompletedTask;
            case End.Stop:
                _ = server.Server.StopAsync();
                return Task.CompletedTask;
            case End.PeerResets:
                peer.Reset();
                return Task.CompletedTask;
            default:
                return cancellation.CancelAsync();
        }
    }

    /// <summary>Sends until the connection closes, or the token is cancelled.</summary>
    /// <returns>How many frames were accepted.</returns>
    private static async Task<int> SendAsync(IConnection connection, byte thread, CancellationToken cancellationToken)
    {
        var random = new Random(thread);
        for (var count = 0; ; count++)
        {
            var frame = CheckedReader.Make(thread, count, random.Next(20_000));
            try
            {
                // What SendAsync throws by itself was not accepted; what its task throws was.
                var send = connection.SendAsync(frame, cancellationToken);
                try
                {
                    await send;
                }
                catch (Exception exception) when (exception is OperationCanceledException or ConnectionClosedException)
                {
                    return count + 1;
                }
            }
            catch (ConnectionClosedException)
            {
                return count;
            }

            if (cancellationToken.IsCancellationRequested)
            {
                return count + 1;
            }
        }
    }
}
