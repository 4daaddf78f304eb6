using System.Diagnostics;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.IntegrationTests.Transports.Tls;
using SocketKit.Tests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>A gone peer is noticed in every state of its connection.</summary>
public class PeerGoneTests(ITestOutputHelper output)
{
    /// <summary>What keeps the server from receiving.</summary>
    public enum Handlers
    {
        /// <summary>The handler awaits, and the mailbox is full.</summary>
        FullMailbox,

        /// <summary>The handler blocks its thread.</summary>
        Blocks,

        /// <summary>The peer had finished before, and the handler awaits.</summary>
        HalfClosed,
    }

    [Theory]
    [Trait("Fault", "X03")]
    [InlineData(Handlers.FullMailbox, false)]
    [InlineData(Handlers.Blocks, false)]
    [InlineData(Handlers.HalfClosed, false)]
    [InlineData(Handlers.FullMailbox, true)]
    [InlineData(Handlers.Blocks, true)]
    public async Task A_reset_is_noticed_within_a_second(Handlers state, bool tls)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var blocked = new ManualResetEventSlim();
        await using var server = tls ? await TlsServer.StartAsync(onMessage: HandleAsync) : await TestServer.StartAsync(HandleAsync);
        using var secured = tls ? await TlsPeer.ConnectAsync(server.EndPoint) : null;
        var peer = secured?.Raw ?? await RawPeer.ConnectAsync(server.EndPoint);
        var lines = string.Concat(Enumerable.Repeat("line\n", state == Handlers.FullMailbox ? 301 : 1));
        await (secured?.SendAsync(lines) ?? peer.SendAsync(lines));
        var session = await server.OpenedAsync();
        await session.MessageAsync();
        if (state == Handlers.HalfClosed)
        {
            peer.Finish();
            await Eventually.TrueAsync(() => session.Connection.InputEndedToken.IsCancellationRequested);
        }

        var watch = Stopwatch.StartNew();
        peer.Reset();
        if (!TestWire.HasResets && !tls)
        {
            // All that a Unix socket knows is that its peer has closed: that is the end of the input, and messages may wait before it.
            await Eventually.TrueAsync(() => session.Connection.InputEndedToken.IsCancellationRequested);
            watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
            blocked.Set();
            gate.SetResult();
            (await session.ClosedAsync()).Kind.Should().Be(CloseKind.PeerClosed);
            return;
        }

        var reason = await session.Connection.Closed.WaitAsync(TestServer.Patience);
        output.WriteLine($"X03: {state}{(tls ? " over TLS" : "")}: {reason.Kind} after {watch.ElapsedMilliseconds} ms");
        reason.Kind.Should().Be(CloseKind.PeerReset);
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        blocked.Set();
        gate.SetResult();
        await session.ClosedAsync();

        async ValueTask HandleAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            if (state == Handlers.Blocks)
            {
                blocked.Wait(TestServer.Patience);
            }

            await gate.Task;
        }
    }

    [Theory]
    [Trait("Fault", "X03")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_end_is_told_at_once_and_ends_the_connection_after_its_time(bool blocks)
    {
        using var blocked = new ManualResetEventSlim();
        await using var server = await TestServer.StartAsync(async (connection, _) =>
        {
            if (blocks)
            {
                blocked.Wait(TestServer.Patience);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, connection.ClosedToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }, options => options.HalfCloseTimeout = TimeSpan.FromSeconds(0.5));
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.SendAsync("line\n");
        var session = await server.OpenedAsync();
        await session.MessageAsync();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = session.Connection.InputEndedToken.UnsafeRegister(_ => told.SetResult(), null);

        var watch = Stopwatch.StartNew();
        peer.Finish();
        await told.Task.WaitAsync(TestServer.Patience);
        output.WriteLine($"X03: told after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(0.5));

        var reason = await session.Connection.Closed.WaitAsync(TestServer.Patience);
        output.WriteLine($"X03: {reason.Kind} after {watch.ElapsedMilliseconds} ms of a half-close time-out of 500 ms");
        reason.Kind.Should().Be(CloseKind.PeerClosed);
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        blocked.Set();
        await session.ClosedAsync();
    }
}

public class PeerGoneOverUnixTests : PeerGoneTests
{
    public PeerGoneOverUnixTests(ITestOutputHelper output)
        : base(output) => TestWire.UseUnix();
}
