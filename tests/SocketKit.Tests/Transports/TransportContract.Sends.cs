using System.Net;

namespace SocketKit.Tests.Transports;

public abstract partial class TransportContract
{
    [ThreadStatic]
    private static bool _sending;

    [Fact]
    public async Task The_two_ends_tell_each_others_address()
    {
        var (left, right) = await PairAsync();

        left.RemoteEndPoint.Should().NotBeNull().And.Be(right.LocalEndPoint);
        right.RemoteEndPoint.Should().NotBeNull().And.Be(left.LocalEndPoint);
        left.RemoteEndPoint.Should().NotBe(left.LocalEndPoint);
        (left.RemoteEndPoint is not IPEndPoint { Address.IsIPv4MappedToIPv6: true }).Should().BeTrue();
    }

    [Fact]
    public async Task The_addresses_are_told_also_to_who_asks_first_after_the_end()
    {
        var (left, right) = await PairAsync();
        var remote = left.RemoteEndPoint;

        left.Abort();
        await left.DisposeAsync();
        await right.DisposeAsync();

        right.LocalEndPoint.Should().NotBeNull().And.Be(remote);
        left.LocalEndPoint.Should().NotBeNull().And.NotBe(remote);
    }

    [Fact]
    public async Task The_addresses_are_still_told_after_the_end()
    {
        var (left, right) = await PairAsync();
        var remote = left.RemoteEndPoint;
        var local = left.LocalEndPoint;

        right.Abort();
        left.Abort();
        await left.DisposeAsync();

        left.RemoteEndPoint.Should().Be(remote);
        left.LocalEndPoint.Should().Be(local);
    }

    [Fact]
    public async Task An_empty_send_completes_and_sends_nothing()
    {
        var (left, right) = await PairAsync();
        var receive = right.ReceiveAsync(new byte[10]).AsTask();

        await SendAsync(left, []);
        left.BytesSent.Should().Be(0);
        receive.IsCompleted.Should().BeFalse();

        await SendAsync(left, [7]);
        (await receive.WaitAsync(Patience)).Count.Should().Be(1);
    }

    [Fact]
    public async Task BytesSent_counts_all_that_was_sent()
    {
        var (left, right) = await PairAsync();
        left.BytesSent.Should().Be(0);

        await SendAsync(left, Bytes(100));
        await SendAsync(left, Bytes(23));

        left.BytesSent.Should().Be(123);
        right.BytesSent.Should().Be(0);
    }

    [Fact]
    public async Task A_send_waits_for_a_peer_that_does_not_read_and_shows_progress_while_it_does()
    {
        const int Step = 12 * 1024 * 1024;
        const int Steps = 3;
        var (left, right) = await PairAsync();
        var batch = Bytes(64 * 1024 * 1024);
        var send = left.SendAsync(batch).AsTask();
        send.IsCompleted.Should().BeFalse("no wire holds this much");

        // After each step the peer pauses: while it reads as fast as this end sends, one call of the system's may take everything.
        var total = 0;
        var sent = left.BytesSent;
        for (var step = 1; step <= Steps; step++)
        {
            total += await DrainAsync(right, (step * Step) - total);
            var deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
            while (left.BytesSent <= sent)
            {
                Environment.TickCount64.Should().BeLessThan(deadline, "the peer has taken more than a wire holds");
                await Task.Yield();
            }

            sent = left.BytesSent;
            sent.Should().BeLessThanOrEqualTo(batch.Length);
            send.IsCompleted.Should().BeFalse();
        }

        await DrainAsync(right, batch.Length - total);
        await send.WaitAsync(Patience);
        left.BytesSent.Should().Be(batch.Length);

        async Task<int> DrainAsync(Transport from, int count)
        {
            var buffer = new byte[64 * 1024];
            var got = 0;
            while (got < count)
            {
                var received = await from.ReceiveAsync(buffer).AsTask().WaitAsync(Patience);
                received.Count.Should().BePositive();
                got += received.Count;
            }

            return got;
        }
    }

    [Fact]
    public async Task A_receive_never_completes_on_the_stack_of_a_send_or_an_end()
    {
        var (left, right) = await PairAsync();
        var buffer = new byte[16];
        for (var round = 0; round < 300; round++)
        {
            var onStack = ContinuesOnStackOfSend(right.ReceiveAsync(round % 2 == 0 ? Memory<byte>.Empty : buffer));
            _sending = true;
            ValueTask send;
            try
            {
                send = round < 299 ? left.SendAsync(new byte[] { 1 }) : left.CompleteOutputAsync();
            }
            finally
            {
                _sending = false;
            }

            await send.AsTask().WaitAsync(Patience);
            (await onStack.WaitAsync(Patience)).Should().BeFalse();
            if (round % 2 == 0)
            {
                (await right.ReceiveAsync(buffer).AsTask().WaitAsync(Patience)).Count.Should().Be(1);
            }
        }
    }

    [Fact]
    public async Task A_send_that_waited_leaves_its_bytes_alone_once_it_is_complete()
    {
        var (left, right) = await PairAsync();
        var batch = Bytes(16 * 1024 * 1024);
        var expected = batch.ToArray();
        var received = ReceiveExactlyAsync(right, batch.Length + 1);

        await left.SendAsync(batch).AsTask().WaitAsync(Patience);
        batch.AsSpan().Clear();
        await SendAsync(left, [9]);

        var bytes = await received.WaitAsync(Patience);
        bytes.AsSpan(0, expected.Length).SequenceEqual(expected).Should().BeTrue();
        bytes[^1].Should().Be(9);
    }

    [Fact]
    public async Task A_yield_completes_also_when_several_overlap()
    {
        var (left, _) = await PairAsync();
        for (var round = 0; round < 100; round++)
        {
            await Task.WhenAll(left.YieldAsync().AsTask(), left.YieldAsync().AsTask(), left.YieldAsync().AsTask()).WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task Yields_in_a_row_do_not_pile_up_on_the_stack()
    {
        var (left, _) = await PairAsync();

        (await Task.Run(() => DeepestStackOfYieldsAsync(left, 1000)).WaitAsync(Patience)).Should().BeLessThan(50);
    }

    [Fact]
    public async Task Nothing_is_hung_up_on_a_live_connection()
    {
        var (left, right) = await PairAsync();

        left.HungUp.IsCancellationRequested.Should().BeFalse();
        right.HungUp.IsCancellationRequested.Should().BeFalse();
        left.PreservesMessageBoundaries.Should().BeFalse();
    }

    /// <summary>Awaits without a context, so that the continuation runs wherever the wire completes.</summary>
    private static Task<bool> ContinuesOnStackOfSend(ValueTask<ReceiveResult> receive)
    {
        var onStack = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var awaiter = receive.ConfigureAwait(false).GetAwaiter();
        awaiter.IsCompleted.Should().BeFalse();
        awaiter.UnsafeOnCompleted(() =>
        {
            // The result first: whoever learns of the completion may begin the next receive at once.
            awaiter.GetResult();
            onStack.SetResult(_sending);
        });
        return onStack.Task;
    }

    private static async Task<int> DeepestStackOfYieldsAsync(Transport transport, int count)
    {
        var deepest = 0;
        for (var i = 0; i < count; i++)
        {
            await transport.YieldAsync().ConfigureAwait(false);
            deepest = Math.Max(deepest, new System.Diagnostics.StackTrace().FrameCount);
        }

        return deepest;
    }
}
