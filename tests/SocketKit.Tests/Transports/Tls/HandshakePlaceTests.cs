using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>A place is held for work, not for waiting.</summary>
[Trait("Fault", "X16")]
public class HandshakePlaceTests
{
    private readonly HandshakeGate _gate = new(1, (_, _) => { });

    [Fact]
    public async Task A_handshake_that_waits_for_its_peer_gives_its_place_to_another()
    {
        var received = new TaskCompletionSource<ReceiveResult>();
        var (stream, place) = await BeginAsync(_ => new ValueTask<ReceiveResult>(received.Task));
        var read = stream.ReadAsync(new byte[] { 22 }).AsTask();

        var other = _gate.Enter(null);
        other.IsWaiting.Should().BeFalse();

        await Task.Run(() => received.SetResult(new ReceiveResult { Count = 1 }));
        read.IsCompleted.Should().BeFalse("there is no place for it");
        _gate.Leave(other);
        (await read.WaitAsync(TestBed.Patience)).Should().Be(1);
        _gate.Enter(null).IsWaiting.Should().BeTrue("it works again");
        place.GiveBack();
    }

    [Fact]
    public async Task A_handshake_whose_peer_takes_no_bytes_gives_its_place_to_another()
    {
        var sent = new TaskCompletionSource();
        var (stream, _) = await BeginAsync(_ => default, _ => new ValueTask(sent.Task));
        var write = stream.WriteAsync(new byte[10]).AsTask();

        var other = _gate.Enter(null);
        other.IsWaiting.Should().BeFalse();

        await Task.Run(() => sent.SetResult());
        write.IsCompleted.Should().BeFalse();
        _gate.Leave(other);
        await write.WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task Bytes_that_are_there_already_cost_no_second_turn()
    {
        var (stream, _) = await BeginAsync(_ => new ValueTask<ReceiveResult>(new ReceiveResult { Count = 1 }));

        stream.ReadAsync(new byte[] { 22 }).IsCompletedSuccessfully.Should().BeTrue();

        _gate.Enter(null).IsWaiting.Should().BeTrue();
    }

    [Fact]
    public async Task A_handshake_whose_wire_fails_waits_for_no_place()
    {
        var received = new TaskCompletionSource<ReceiveResult>();
        var (stream, _) = await BeginAsync(_ => new ValueTask<ReceiveResult>(received.Task));
        var read = stream.ReadAsync(new byte[10]).AsTask();
        _gate.Enter(null);

        await Task.Run(() => received.SetException(new IOException("the tunnel fell down")));

        await FluentActions.Awaiting(() => read.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>().WithMessage("the tunnel*");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_abort_ends_the_wait_for_a_place_also_when_it_comes_before(bool before)
    {
        var running = _gate.Enter(null);
        var place = new HandshakePlace(_gate, from: null);
        if (before)
        {
            place.Cancel();
        }

        var taking = TakeAsync();
        if (!before)
        {
            place.Cancel();
        }

        await FluentActions.Awaiting(() => taking.WaitAsync(TestBed.Patience)).Should().ThrowAsync<OperationCanceledException>();
        _gate.Leave(running);
        _gate.Enter(null).IsWaiting.Should().BeFalse();

        async Task TakeAsync() => await place.TakeAsync();
    }

    // Public-key operations are nothing for an event loop, and there it would be called.
    [Fact, Trait("Fault", "X37")]
    public async Task Whoever_has_got_a_place_goes_on_in_the_thread_pool()
    {
        var place = new HandshakePlace(_gate, from: null);

        var asked = Task.Factory.StartNew(async () =>
        {
            await place.TakeAsync();
            return Thread.CurrentThread.IsThreadPoolThread;
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();

        (await asked.WaitAsync(TestBed.Patience)).Should().BeTrue();
        place.GiveBack();
    }

    [Fact]
    public async Task Handshakes_that_stall_after_the_first_flight_are_in_nobodys_way()
    {
        var side = new TlsServerSide(TestAuthority.Shared.ListenOptions(options => options.MaxHandshakes = 1));
        var (stalled, server) = await ConnectAsync();
        var received = new TaskCompletionSource<ReceiveResult>();
        var silent = new InterceptedTransport(stalled) { OnReceive = _ => new ValueTask<ReceiveResult>(received.Task) };
        var beginning = new TlsTransport(silent, new TlsClientSide(TestAuthority.Shared.DialOptions(), host: null), new()).OpenAsync(CancellationToken.None).AsTask();
        var half = new TlsTransport(server, side, new());
        var opening = half.OpenAsync(CancellationToken.None).AsTask();
        (await stalled.ReceiveAsync(new byte[1]).AsTask().WaitAsync(TestBed.Patience)).Count.Should().Be(1, "its handshake is under way");

        var (client, other) = await ConnectAsync();
        await TestAuthority.OpenAsync(new TlsTransport(client, new TlsClientSide(TestAuthority.Shared.DialOptions(), host: null), new()), new TlsTransport(other, side, new()));

        opening.IsCompleted.Should().BeFalse();
        half.Abort();
        await FluentActions.Awaiting(() => opening.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>();
        await Task.Run(() => received.SetException(new IOException("it never came")));
        await FluentActions.Awaiting(() => beginning.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>();
        await half.DisposeAsync();
    }

    private static ValueTask<(Transport Client, Transport Server)> ConnectAsync()
    {
        var network = new InMemoryNetwork();
        return TestAuthority.ConnectAsync(network.Listen("server"), () => network.Dial("server"));
    }

    private async Task<(TransportStream Stream, HandshakePlace Place)> BeginAsync(Func<Memory<byte>, ValueTask<ReceiveResult>> onReceive, Func<ReadOnlyMemory<byte>, ValueTask>? onSend = null)
    {
        var (client, _) = await ConnectAsync();
        var stream = new TransportStream(new InterceptedTransport(client) { OnReceive = onReceive, OnSend = onSend }, server: false);
        var place = new HandshakePlace(_gate, from: null);
        await place.TakeAsync();
        stream.BeginHandshake(place);
        return (stream, place);
    }
}
