using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Epoll;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>
/// News that come between two steps of whoever is about to wait for them: each of these orders leaves a connection, or a whole loop,
/// waiting for ever if a flag is cleared too late.
/// </summary>
[Trait("Fault", "X37")]
public class WakeUpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Room_that_comes_while_a_send_finds_none_is_noticed()
    {
        var (left, right) = UnixPair.Open();
        var transport = UnixPair.Transport(left);
        using var probe = LoopProbe.For(transport);
        var message = new byte[4 * 1024 * 1024];
        long drained = 0;
        ValueTask send = default;

        // The first call fills the kernel's buffer; the second one finds it full.
        await AtPointAsync(1, () => send = transport.SendAsync(message), () =>
        {
            drained += UnixPair.Drain(right);
            probe.LetLoopSeeIt();
        });

        var sent = send.AsTask();
        await Eventually.TrueAsync(() =>
        {
            drained += UnixPair.Drain(right);
            return sent.IsCompleted;
        });
        await sent;
        (drained + UnixPair.Drain(right)).Should().Be(message.Length);
        await transport.DisposeAsync();
        right.Dispose();
    }

    [Fact]
    public async Task Bytes_that_come_while_a_receive_finds_none_are_noticed()
    {
        var (left, right) = UnixPair.Open();
        var transport = UnixPair.Transport(left);
        using var probe = LoopProbe.For(transport);

        // A buffer that was filled leaves the next receive to ask the kernel.
        UnixPair.Write(right, "a"u8);
        (await transport.ReceiveAsync(new byte[1]).AsTask().WaitAsync(Patience)).Count.Should().Be(1);
        ValueTask<ReceiveResult> receive = default;
        await AtPointAsync(1, () => receive = transport.ReceiveAsync(new byte[10]), () =>
        {
            UnixPair.Write(right, "b"u8);
            probe.LetLoopSeeIt();
        });

        (await receive.AsTask().WaitAsync(Patience)).Count.Should().Be(1);
        await transport.DisposeAsync();
        right.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hang_up_that_was_none_is_forgotten_and_the_verb_waits(bool sends)
    {
        var (left, right) = UnixPair.Open();
        var transport = UnixPair.Transport(left);
        transport.Socket.Note(EventBatch.In | EventBatch.Out | EventBatch.InHungUp | EventBatch.OutHungUp);

        // One that asks the kernel again and again does not come back.
        Task? verb = null;
        await Task.Run(() => { verb = sends ? transport.SendAsync(new byte[4 * 1024 * 1024]).AsTask() : transport.ReceiveAsync(new byte[10]).AsTask(); })
            .WaitAsync(Patience);

        verb!.IsCompleted.Should().BeFalse();
        transport.Abort();
        await FluentActions.Awaiting(() => verb.WaitAsync(Patience)).Should().ThrowAsync<IOException>();
        await transport.DisposeAsync();
        right.Dispose();
    }

    [Fact]
    public async Task An_error_of_the_kernels_that_another_call_has_taken_is_no_orderly_end()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var transport = (EpollTransport)await TestEngine.Dial(listener.LocalEndPoint!).DialAsync(new(), default);
        using var peer = await listener.AcceptAsync();
        peer.LingerState = new LingerOption(true, 0);
        peer.Dispose();
        SpinWait.SpinUntil(() => transport.HungUp.IsCancellationRequested, Patience).Should().BeTrue();

        // The kernel says it once, and what follows looks like an end.
        transport.Socket.TakeError();

        var receive = async () => await transport.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Patience);
        (await receive.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
        await transport.DisposeAsync();
    }

    /// <summary>
    /// A turn that is queued at each of the points that a loop passes on its way to sleep; the last of them lies between its look at the
    /// queue and its word that it waits.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_turn_that_is_queued_while_the_loop_goes_to_sleep_runs(int point)
    {
        var loop = new EpollEngine(1).NextLoop();
        using var probe = new Probe(loop);
        await Turn.RunAsync(probe, () => 0);
        var ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread? watched = null;
        var left = point;
        using var pause = new Paused(() =>
        {
            if (Volatile.Read(ref watched) == Thread.CurrentThread && left-- == 0)
            {
                watched = null;
                Turn.Queue(probe, ran.SetResult);
                reached.SetResult();
            }
        });

        // From the end of this turn on; nobody else wakes the loop.
        Turn.Queue(probe, () => Volatile.Write(ref watched, Thread.CurrentThread));

        await reached.Task.WaitAsync(Patience);
        await ran.Task.WaitAsync(Patience);
    }

    /// <summary>Runs something, and something else at one of the points that it passes on this thread.</summary>
    private static async Task AtPointAsync(int point, Action run, Action atPoint)
    {
        var reached = false;
        await Task.Factory.StartNew(() =>
        {
            var me = Thread.CurrentThread;
            var left = point;
            using var pause = new Paused(() =>
            {
                if (Thread.CurrentThread == me && left-- == 0)
                {
                    reached = true;
                    atPoint();
                }
            });
            run();
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(Patience);
        reached.Should().BeTrue();
    }

    /// <summary>Something beside a transport in the same loop, to see how far that is.</summary>
    private sealed class LoopProbe : IDisposable
    {
        private readonly BlockingCollection<int> _events = [];
        private readonly Probe _probe;

        private LoopProbe(EpollLoop loop) => _probe = new Probe(loop, _events.Add);

        public static LoopProbe For(EpollTransport transport) => new(transport.Socket.Loop);

        /// <summary>Waits until the loop has noted what the kernel had to tell so far.</summary>
        public void LetLoopSeeIt()
        {
            _probe.Poke();
            _events.TryTake(out _, Patience).Should().BeTrue();
        }

        public void Dispose()
        {
            _probe.Dispose();
            _events.Dispose();
        }
    }

    private sealed class Paused : IDisposable
    {
        private readonly Action? _before = Interleaving.Pause;

        public Paused(Action pause) => Interleaving.Pause = pause;

        public void Dispose() => Interleaving.Pause = _before;
    }
}
