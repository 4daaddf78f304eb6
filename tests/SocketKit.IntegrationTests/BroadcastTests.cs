using System.Buffers.Binary;
using System.Diagnostics;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>One message to many, some of whom do not read.</summary>
public class BroadcastTests(ITestOutputHelper output)
{
    private const int Readers = 99;
    private const int Rounds = 300;
    private const int Length = 10_000;

    [Fact]
    [Trait("Fault", "B01")]
    public async Task A_peer_that_does_not_read_is_closed_at_the_limit_and_harms_nobody()
    {
        const int limit = 256 * 1024;
        await using var server = await TestServer.StartAsync(configure: options =>
        {
            SmallBuffersListener.Use(options);
            options.Framer = Framers.LengthPrefixed();
            options.MaxQueuedBytes = limit;
        });
        var endPoint = server.EndPoint;
        var readers = await Task.WhenAll(Enumerable.Range(0, Readers).Select(_ => RawPeer.ConnectAsync(endPoint)));
        await server.OpenedAsync(Readers);

        await RunAsync(server, readers, 30);
        var undisturbed = await RunAsync(server, readers, Rounds);
        using var stalled = await RawPeer.ConnectAsync(endPoint, receiveBuffer: 4096);
        var session = await server.OpenedAsync();
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var disturbed = await RunAsync(server, readers, Rounds);
        var growth = GC.GetTotalMemory(forceFullCollection: true) - before;

        output.WriteLine($"B01: {Rounds} broadcasts of {Length} bytes to {Readers} readers: p99 {undisturbed.TotalMilliseconds:0.0} ms, beside a stalled peer {disturbed.TotalMilliseconds:0.0} ms; memory grew by {growth / 1024} KiB");
        disturbed.Should().BeLessThan((2 * undisturbed) + TimeSpan.FromMilliseconds(500), "twice, and what a busy machine may add; waiting for the stalled peer would take a second");
        var reason = await session.ClosedAsync();
        reason.Kind.Should().Be(CloseKind.SlowConsumer);
        reason.By.Should().Be(CloseParty.Peer);
        reason.UnsentBytes.Should().BeInRange(limit - Length, limit + (2 * Length));
        growth.Should().BeLessThan(8 * limit);
        server.Server.Connections.Count.Should().Be(Readers);
        foreach (var reader in readers)
        {
            reader.Dispose();
        }
    }

    [Fact]
    [Trait("Fault", "B01")]
    public async Task A_peer_that_takes_nothing_is_closed_at_its_deadline_even_below_the_limit()
    {
        await using var server = await TestServer.StartAsync(configure: options =>
        {
            SmallBuffersListener.Use(options);
            options.SlowConsumerTimeout = TimeSpan.FromSeconds(1);
        });
        using var stalled = await RawPeer.ConnectAsync(server.EndPoint, receiveBuffer: 4096);
        var session = await server.OpenedAsync();
        var watch = Stopwatch.StartNew();

        session.Connection.TrySend(new byte[200_000]).Should().BeTrue();
        session.Connection.TrySend(new byte[1]).Should().BeFalse("the queue is above its high-water mark");

        var reason = await session.ClosedAsync();
        output.WriteLine($"B01: a peer that takes nothing closed after {watch.ElapsedMilliseconds} ms, deadline 1000 ms");
        reason.Kind.Should().Be(CloseKind.SlowConsumer);
        watch.Elapsed.Should().BeGreaterThan(TimeSpan.FromMilliseconds(900)).And.BeLessThan(Bounds.Seconds(1.3));
    }

    /// <summary>Broadcasts one message after the other, the next one when all readers have the last.</summary>
    /// <returns>The 99th percentile of the time to the last reader.</returns>
    private static async Task<TimeSpan> RunAsync(TestServer server, RawPeer[] readers, int rounds)
    {
        var message = new byte[Length];
        var times = new List<TimeSpan>(rounds);
        for (var round = 0; round < rounds; round++)
        {
            BinaryPrimitives.WriteInt32BigEndian(message, round);
            var watch = Stopwatch.StartNew();
            var broadcast = server.Server.BroadcastAsync(message);
            await Task.WhenAll(readers.Select(reader => ReceiveAsync(reader, round)));
            times.Add(watch.Elapsed);

            // A recipient that has just become full is waited for, once and for a second at most.
            (await broadcast.AsTask().WaitAsync(TestServer.Patience)).Should().BeGreaterThanOrEqualTo(Readers);
        }

        times.Sort();
        return times[(rounds * 99 / 100) - 1];
    }

    private static async Task ReceiveAsync(RawPeer reader, int round)
    {
        var frame = await reader.ReceiveAsync(4 + Length);
        BinaryPrimitives.ReadInt32BigEndian(frame).Should().Be(Length);
        BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(4)).Should().Be(round);
    }
}
