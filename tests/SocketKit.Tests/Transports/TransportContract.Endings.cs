using System.Net.Sockets;

namespace SocketKit.Tests.Transports;

public abstract partial class TransportContract
{
    [Fact]
    public async Task After_a_finish_the_peer_gets_all_bytes_and_then_the_end_again_and_again()
    {
        var (left, right) = await PairAsync();
        var sent = Bytes(1000);
        await SendAsync(left, sent);

        await left.CompleteOutputAsync().AsTask().WaitAsync(Patience);

        (await ReceiveExactlyAsync(right, sent.Length)).Should().Equal(sent);
        for (var i = 0; i < 3; i++)
        {
            (await right.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(Patience)).Should().Be(default(ReceiveResult));
            (await right.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Patience)).Should().Be(default(ReceiveResult));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_finish_ends_a_receive_that_waits(bool empty)
    {
        var (left, right) = await PairAsync();
        var receive = right.ReceiveAsync(empty ? Memory<byte>.Empty : new byte[10]).AsTask();

        await left.CompleteOutputAsync().AsTask().WaitAsync(Patience);

        (await receive.WaitAsync(Patience)).Should().Be(default(ReceiveResult));
        (await right.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Patience)).Should().Be(default(ReceiveResult));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_half_close_the_other_direction_goes_on(bool leftFirst)
    {
        var (left, right) = await PairAsync();
        var (first, second) = leftFirst ? (left, right) : (right, left);
        await first.CompleteOutputAsync().AsTask().WaitAsync(Patience);
        (await ReceiveToEndAsync(second)).Should().Be(0);
        var receiving = ReceiveToEndAsync(first);

        for (var i = 0; i < 10; i++)
        {
            await SendAsync(second, Bytes(100_000));
        }

        await second.CompleteOutputAsync().AsTask().WaitAsync(Patience);
        (await receiving.WaitAsync(Patience)).Should().Be(1_000_000);
    }

    [Fact]
    public async Task A_dispose_without_a_finish_is_the_end_for_the_peer_after_all_bytes()
    {
        var (left, right) = await PairAsync();
        await SendAsync(left, Bytes(1000));

        await left.DisposeAsync();

        (await ReceiveToEndAsync(right)).Should().Be(1000);
    }

    [Fact]
    public async Task An_abort_after_both_have_finished_takes_nothing_back()
    {
        var (left, right) = await PairAsync();
        await right.CompleteOutputAsync().AsTask().WaitAsync(Patience);
        (await ReceiveToEndAsync(left)).Should().Be(0);
        await SendAsync(left, Bytes(1000));
        await left.CompleteOutputAsync().AsTask().WaitAsync(Patience);

        left.Abort();
        await left.DisposeAsync();

        (await ReceiveToEndAsync(right)).Should().Be(1000);
    }

    [Fact]
    public async Task An_abort_unblocks_a_receive_and_a_send()
    {
        var (left, _) = await PairAsync();
        var receive = left.ReceiveAsync(new byte[10]).AsTask();
        var send = left.SendAsync(Bytes(32 * 1024 * 1024)).AsTask();

        left.Abort();

        (await OutcomeAsync(receive)).Should().BeAssignableTo<IOException>();
        (await OutcomeAsync(send)).Should().BeAssignableTo<IOException>();
    }

    [Fact]
    public async Task An_abort_unblocks_an_empty_receive_and_the_next_one_tells()
    {
        var (left, _) = await PairAsync();
        var wait = left.ReceiveAsync(Memory<byte>.Empty).AsTask();

        left.Abort();

        (await OutcomeAsync(wait)).Should().Match<Exception?>(outcome => outcome == null || outcome is IOException);
        (await OutcomeAsync(left.ReceiveAsync(new byte[10]).AsTask())).Should().BeAssignableTo<IOException>();
    }

    [Fact]
    public async Task After_an_abort_both_verbs_fail_as_aborted_by_this_side()
    {
        var (left, _) = await PairAsync();
        left.Abort();

        (await OutcomeAsync(left.ReceiveAsync(new byte[10]).AsTask())).Should().BeAssignableTo<IOException>().Which.Message.Should().Contain("this side");
        (await OutcomeAsync(left.SendAsync(new byte[10]).AsTask())).Should().BeAssignableTo<IOException>().Which.Message.Should().Contain("this side");
        (await OutcomeAsync(left.CompleteOutputAsync().AsTask())).Should().BeAssignableTo<IOException>();
    }

    [Fact]
    public async Task An_abort_may_be_repeated_also_after_the_release()
    {
        var (left, right) = await PairAsync();

        left.Abort();
        left.Abort();
        await left.DisposeAsync();
        left.Abort();
        await right.DisposeAsync();
        right.Abort();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_peer_of_an_abort_sees_a_reset(bool waitsEmpty)
    {
        var (left, right) = await PairAsync();
        var receive = right.ReceiveAsync(waitsEmpty ? Memory<byte>.Empty : new byte[10]).AsTask();

        left.Abort();

        var outcome = await OutcomeAsync(receive);
        if (waitsEmpty)
        {
            outcome.Should().BeNull("an empty receive tells nothing");
            outcome = await OutcomeAsync(right.ReceiveAsync(new byte[10]).AsTask());
        }

        SocketError? expected = HasResets ? SocketError.ConnectionReset : null;
        ErrorOf(outcome).Should().Be(expected);
        ErrorOf(await OutcomeAsync(right.ReceiveAsync(new byte[10]).AsTask())).Should().Be(expected, "it stays so");
        ErrorOf(await OutcomeAsync(right.SendAsync(new byte[10]).AsTask())).Should().Be(expected ?? SocketError.Shutdown, "the other verb tells the same");
    }

    [Fact]
    public async Task A_send_that_waits_ends_when_the_peer_resets_and_the_receive_tells_the_same()
    {
        var (left, right) = await PairAsync();
        var send = left.SendAsync(Bytes(32 * 1024 * 1024)).AsTask();

        right.Abort();

        ErrorOf(await OutcomeAsync(send)).Should().Be(HasResets ? SocketError.ConnectionReset : SocketError.Shutdown);
        ErrorOf(await OutcomeAsync(left.ReceiveAsync(new byte[10]).AsTask())).Should().Be(SocketError.ConnectionReset, "a reset is never shown as a clean end");
    }

    [Fact]
    public async Task Aborts_from_many_threads_amid_traffic_let_only_wire_errors_out()
    {
        for (var round = 0; round < 50; round++)
        {
            var (left, right) = await PairAsync();
            using var start = new Barrier(3);
            var traffic = new[] { PumpOutAsync(left), PumpInAsync(right), PumpOutAsync(right), PumpInAsync(left) }.Select(OutcomeAsync).ToArray();

            var aborts = Enumerable.Range(0, 3).Select(number => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(Patience);
                    (number == 2 ? right : left).Abort();
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)).ToArray();

            await Task.WhenAll(aborts).WaitAsync(Patience);
            var outcomes = await Task.WhenAll(traffic).WaitAsync(Patience);
            outcomes.Should().OnlyContain(outcome => outcome == null || outcome is IOException || outcome is SocketException);
            await left.DisposeAsync();
            await right.DisposeAsync();
        }
    }

    private static Task PumpOutAsync(Transport transport) => Task.Run(async () =>
    {
        var batch = Bytes(50_000);
        while (true)
        {
            await transport.SendAsync(batch);
        }
    });

    private static Task PumpInAsync(Transport transport) => Task.Run(async () =>
    {
        var buffer = new byte[10_000];
        while (true)
        {
            await transport.ReceiveAsync(Memory<byte>.Empty);
            if ((await transport.ReceiveAsync(buffer)).Count == 0)
            {
                return;
            }
        }
    });

    /// <summary>What a task ended with: null for success.</summary>
    private static async Task<Exception?> OutcomeAsync(Task task)
    {
        try
        {
            await task.WaitAsync(Patience);
            return null;
        }
        catch (Exception exception) when (exception is not TimeoutException)
        {
            return exception;
        }
    }
}
