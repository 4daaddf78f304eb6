using System.Net;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Epoll;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>What can leave a connection parked for ever, and what the kernel tells once.</summary>
public class EpollSocketTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Fault", "N05")]
    public async Task Data_and_the_end_back_to_back_are_both_received_a_thousand_times(bool waitsFirst)
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new(), default);
        var sent = new byte[100];
        for (var round = 0; round < 1_000; round++)
        {
            using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            var accept = listener.AcceptAsync().AsTask();
            await peer.ConnectAsync(listener.EndPoint);
            var transport = (await accept.WaitAsync(Patience))!;
            var receiving = waitsFirst ? ReceiveToEndAsync(transport) : null;
            peer.Send(sent.AsSpan(0, 1 + (round % sent.Length)));
            peer.Shutdown(SocketShutdown.Send);

            (await (receiving ?? ReceiveToEndAsync(transport)).WaitAsync(Patience)).Should().Be(1 + (round % sent.Length));
            await transport.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_follows_urgent_data_is_received()
    {
        var (transport, peer) = await AcceptAsync();
        using (peer)
        {
            for (var round = 0; round < 20; round++)
            {
                // Receives stop at the urgent byte, although all of it is here.
                peer.Send("ab"u8);
                peer.Send("!"u8, SocketFlags.OutOfBand);
                peer.Send("cd"u8);
                SpinWait.SpinUntil(() => ((EpollTransport)transport).Socket.HasUnread, Patience).Should().BeTrue();

                var received = new List<byte>();
                while (received.Count < 4)
                {
                    var buffer = new byte[100];
                    var count = (await transport.ReceiveAsync(buffer).AsTask().WaitAsync(Patience)).Count;
                    count.Should().BePositive();
                    received.AddRange(buffer.AsSpan(0, count).ToArray());
                }

                received.Should().Equal("abcd"u8.ToArray());
            }

            await transport.DisposeAsync();
        }
    }

    [Fact]
    [Trait("Fault", "N02")]
    public async Task A_look_for_unread_bytes_does_not_hide_a_reset()
    {
        for (var round = 0; round < 100; round++)
        {
            // A Unix socket that is closed with unread bytes in it resets its peer.
            var (left, right) = UnixPair.Open();
            var transport = UnixPair.Transport(left);
            await transport.SendAsync(new byte[1]);
            right.Dispose();

            _ = ((EpollTransport)transport).Socket.HasUnread;

            var receive = async () => await transport.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Patience);
            (await receive.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
            await transport.DisposeAsync();
        }
    }

    [Fact]
    public async Task HungUp_fires_although_nobody_receives()
    {
        foreach (var reset in new[] { false, true })
        {
            var (transport, peer) = await AcceptAsync();
            var early = transport.HungUp;
            early.IsCancellationRequested.Should().BeFalse();
            if (reset)
            {
                peer.LingerState = new LingerOption(true, 0);
            }

            peer.Dispose();

            SpinWait.SpinUntil(() => early.IsCancellationRequested, Patience).Should().BeTrue();
            SpinWait.SpinUntil(() => transport.HungUp.IsCancellationRequested, Patience).Should().BeTrue("asked late it is the same");
            await transport.DisposeAsync();
        }
    }

    [Fact]
    [Trait("Fault", "X43")]
    public async Task The_local_end_asked_for_beside_an_abort_is_the_connections_own()
    {
        using var asks = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        Thread? asking = null;
        var pause = Interleaving.Pause;
        Interleaving.Pause = () =>
        {
            // Between the question and the kernel's answer, once.
            if (Interlocked.CompareExchange(ref asking, null, Thread.CurrentThread) == Thread.CurrentThread)
            {
                asks.Set();
                goesOn.Wait(Patience);
            }
        };
        try
        {
            var (transport, peer) = await AcceptAsync();
            using (peer)
            {
                var local = peer.RemoteEndPoint;
                var answer = Task.Factory.StartNew(() =>
                {
                    asking = Thread.CurrentThread;
                    return transport.LocalEndPoint;
                }, TaskCreationOptions.LongRunning);
                await Task.WhenAny(answer, Task.Run(() => asks.Wait(Patience)));
                transport.Abort();
                goesOn.Set();

                (await answer.WaitAsync(Patience)).Should().Be(local);
                transport.LocalEndPoint.Should().Be(local);
                await transport.DisposeAsync();
                transport.LocalEndPoint.Should().Be(local);
            }
        }
        finally
        {
            Interleaving.Pause = pause;
        }
    }

    [Fact]
    public async Task Aborts_from_any_thread_complete_what_is_parked_and_leave_the_descriptor_to_the_release()
    {
        for (var round = 0; round < 300; round++)
        {
            var (left, right) = await UnixPair.ConnectAsync();
            var receive = left.ReceiveAsync(new byte[10]).AsTask();
            var send = left.SendAsync(new byte[4 * 1024 * 1024]).AsTask();

            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(left.Abort))).WaitAsync(Patience);

            foreach (var parked in new Task[] { receive, send })
            {
                await ((Func<Task>)(() => parked.WaitAsync(Patience))).Should().ThrowAsync<IOException>();
            }

            ((EpollTransport)left).Socket.Descriptor.IsClosed.Should().BeFalse("its number must not become another's while a verb may be in a call");
            await left.DisposeAsync();
            ((EpollTransport)left).Socket.Descriptor.IsClosed.Should().BeTrue();
            right.Abort();
            await right.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_abort_resets_the_peer_before_the_descriptor_is_closed()
    {
        var (transport, peer) = await AcceptAsync();
        using (peer)
        {
            transport.Abort();

            using var patience = new CancellationTokenSource(Patience);
            var receive = async () => await peer.ReceiveAsync(new byte[1], patience.Token);
            (await receive.Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
            await transport.DisposeAsync();
        }
    }

    private static async Task<(Transport Transport, Socket Peer)> AcceptAsync()
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new(), default);
        var accept = listener.AcceptAsync().AsTask();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await peer.ConnectAsync((IPEndPoint)listener.EndPoint);
        return ((await accept.WaitAsync(Patience))!, peer);
    }

    private static async Task<int> ReceiveToEndAsync(Transport transport)
    {
        var buffer = new byte[4096];
        for (var total = 0; ;)
        {
            await transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
            var count = (await transport.ReceiveAsync(buffer).ConfigureAwait(false)).Count;
            if (count == 0)
            {
                return total;
            }

            total += count;
        }
    }
}
