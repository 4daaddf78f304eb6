using System.Security.Authentication;
using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>Two threads in one native TLS object corrupt the memory of the process: close_notify and a read are never inside at the same
/// time.</summary>
[Trait("Fault", "X41")]
public class TlsEngineLockTests
{
    private static readonly TlsServerSide Server = new(TestAuthority.Shared.ListenOptions());

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Close_notify_waits_while_a_read_is_inside_the_engine(SslProtocols version)
    {
        var (tls, wire, inner, peer) = await OpenAsync(version);
        using var goOn = new ManualResetEventSlim();
        var read = ReadInside(tls, wire, inner, goOn);
        var sent = wire.BytesSent;

        var finish = tls.CompleteOutputAsync().AsTask();

        finish.IsCompleted.Should().BeFalse();
        wire.BytesSent.Should().Be(sent);
        goOn.Set();
        await finish.WaitAsync(TestBed.Patience);
        (await peer.ReceiveAsync(new byte[10]).AsTask().WaitAsync(TestBed.Patience)).Count.Should().Be(0, "the end is clean");
        read.IsCompleted.Should().BeFalse();
        await peer.SendAsync("late"u8.ToArray());
        (await read.WaitAsync(TestBed.Patience)).Count.Should().Be(4, "the other direction is open");
    }

    [Fact]
    public async Task Close_notify_that_waits_for_a_read_ends_with_an_abort()
    {
        var (tls, wire, inner, _) = await OpenAsync(SslProtocols.Tls13);
        using var goOn = new ManualResetEventSlim();
        var read = ReadInside(tls, wire, inner, goOn);
        var finish = tls.CompleteOutputAsync().AsTask();
        var sent = wire.BytesSent;

        tls.Abort();
        goOn.Set();

        await FluentActions.Awaiting(() => finish.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>();
        await FluentActions.Awaiting(() => read.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>();
        wire.BytesSent.Should().Be(sent);
        await tls.DisposeAsync().AsTask().WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task A_read_that_waits_for_the_wire_lets_close_notify_pass_at_once()
    {
        var (tls, _, _, peer) = await OpenAsync(SslProtocols.Tls12);
        var read = tls.ReceiveAsync(new byte[10]);

        tls.CompleteOutputAsync().IsCompletedSuccessfully.Should().BeTrue();

        (await peer.ReceiveAsync(new byte[10]).AsTask().WaitAsync(TestBed.Patience)).Count.Should().Be(0);
        await peer.CompleteOutputAsync();
        (await read.AsTask().WaitAsync(TestBed.Patience)).Count.Should().Be(0);
    }

    [Fact]
    public async Task Bytes_that_arrive_while_close_notify_is_inside_wait_until_it_is_out()
    {
        var received = new TaskCompletionSource<ReceiveResult>();
        var stream = new TransportStream(await WireAsync(_ => new ValueTask<ReceiveResult>(received.Task)), server: false);
        stream.Engine.TryEnterRead().Should().BeTrue();
        var read = stream.ReadAsync(new byte[10]).AsTask();
        stream.Engine.EnterShutdownAsync().IsCompletedSuccessfully.Should().BeTrue();

        // Without a context it goes on inside of this call, up to where the read waits next.
        await Task.Run(() => received.SetResult(default));

        read.IsCompleted.Should().BeFalse();
        stream.Engine.ExitShutdown();
        (await read.WaitAsync(TestBed.Patience)).Should().Be(0);
        stream.Engine.TryEnterRead().Should().BeFalse("the read is inside again");
    }

    [Fact]
    public async Task A_wire_that_fails_while_close_notify_is_inside_is_told_when_it_is_out()
    {
        var received = new TaskCompletionSource<ReceiveResult>();
        var stream = new TransportStream(await WireAsync(_ => new ValueTask<ReceiveResult>(received.Task)), server: false);
        stream.Engine.TryEnterRead().Should().BeTrue();
        var read = stream.ReadAsync(new byte[10]).AsTask();
        stream.Engine.EnterShutdownAsync().IsCompletedSuccessfully.Should().BeTrue();

        await Task.Run(() => received.SetException(new IOException("the tunnel fell down")));

        read.IsCompleted.Should().BeFalse();
        stream.Engine.ExitShutdown();
        await FluentActions.Awaiting(() => read.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>().WithMessage("the tunnel*");
        stream.Engine.TryEnterRead().Should().BeFalse("the read is inside until its end");
    }

    [Fact]
    public async Task Close_notify_gets_its_turn_although_the_wire_never_lets_a_read_wait()
    {
        var stream = new TransportStream(await WireAsync(buffer => new ValueTask<ReceiveResult>(new ReceiveResult { Count = buffer.Length })), server: false);
        using var stop = new CancellationTokenSource();
        stream.Engine.TryEnterRead().Should().BeTrue();
        var reading = Task.Run(async () =>
        {
            var buffer = new byte[] { 22 };
            while (!stop.IsCancellationRequested)
            {
                (await stream.ReadAsync(buffer)).Should().Be(1);
            }
        });

        await stream.Engine.EnterShutdownAsync().AsTask().WaitAsync(TestBed.Patience);
        stream.Engine.ExitShutdown();
        await stop.CancelAsync();
        await reading.WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task A_receive_that_begins_while_close_notify_is_inside_waits_and_then_receives()
    {
        // Close_notify is inside for a moment only; the lock alone shows that moment.
        var engine = new TlsEngineLock();
        engine.EnterShutdownAsync().IsCompletedSuccessfully.Should().BeTrue();
        engine.TryEnterRead().Should().BeFalse();
        var entered = engine.EnterReadAsync().AsTask();
        entered.IsCompleted.Should().BeFalse();

        engine.ExitShutdown();

        await entered.WaitAsync(TestBed.Patience);
        FluentActions.Invoking(() => engine.EnterReadAsync()).Should().Throw<InvalidOperationException>("there is one reader");
        engine.IsShutdownWaiting.Should().BeFalse();
        engine.ExitRead();
        engine.TryEnterRead().Should().BeTrue();
    }

    [Fact]
    public async Task Never_are_both_inside()
    {
        const int Rounds = 20_000;
        var engine = new TlsEngineLock();
        var (inside, wrong) = (0, 0);
        var reader = Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                await engine.EnterReadAsync();
                Visit();
                engine.ExitRead();
            }
        });
        var closer = Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                await engine.EnterShutdownAsync();
                Visit();
                engine.ExitShutdown();
            }
        });

        await Task.WhenAll(reader, closer).WaitAsync(TestBed.Patience);

        wrong.Should().Be(0);

        void Visit()
        {
            if (Interlocked.Increment(ref inside) != 1)
            {
                Interlocked.Increment(ref wrong);
            }

            Thread.SpinWait(20);
            Interlocked.Decrement(ref inside);
        }
    }

    /// <summary>A read whose thread is about to wait, and stays inside the engine until it may go on.</summary>
    private static Task<ReceiveResult> ReadInside(TlsTransport tls, InterceptedTransport wire, Transport inner, ManualResetEventSlim goOn)
    {
        var inside = new TaskCompletionSource();
        wire.OnReceive = buffer =>
        {
            inside.TrySetResult();
            goOn.Wait(TestBed.Patience);
            return inner.ReceiveAsync(buffer);
        };
        var read = Task.Run(async () => await tls.ReceiveAsync(new byte[10]));
        inside.Task.Wait(TestBed.Patience).Should().BeTrue();
        return read;
    }

    private static async Task<InterceptedTransport> WireAsync(Func<Memory<byte>, ValueTask<ReceiveResult>> onReceive)
    {
        var (client, _) = await ConnectAsync();
        return new InterceptedTransport(client) { OnReceive = onReceive };
    }

    private static ValueTask<(Transport Client, Transport Server)> ConnectAsync()
    {
        var network = new InMemoryNetwork();
        return TestAuthority.ConnectAsync(network.Listen("server"), () => network.Dial("server"));
    }

    private static async Task<(TlsTransport Tls, InterceptedTransport Wire, Transport Inner, TlsTransport Peer)> OpenAsync(SslProtocols version)
    {
        var (client, server) = await ConnectAsync();
        var wire = new InterceptedTransport(client);
        var tls = new TlsTransport(wire, new TlsClientSide(TestAuthority.Shared.DialOptions(options => options.Protocols = version), host: null), new());
        var peer = new TlsTransport(server, Server, new());
        await TestAuthority.OpenAsync(tls, peer);
        return (tls, wire, client, peer);
    }
}
