using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>TLS over wires that behave badly, or that are TLS themselves.</summary>
public class TlsFaultTests
{
    private static readonly TlsServerSide Server = new(TestAuthority.Shared.ListenOptions());
    private static readonly TlsClientSide Client = new(TestAuthority.Shared.DialOptions(), host: null);

    [Theory]
    [InlineData(100)]
    [InlineData(100_000)]
    public async Task What_a_wire_throws_at_once_is_told_as_it_is(int length)
    {
        var (tls, wire, _) = await OpenAsync();
        wire.Fault = new IOException("the tunnel fell down");

        await FluentActions.Awaiting(() => tls.SendAsync(new byte[length]).AsTask()).Should().ThrowExactlyAsync<IOException>().WithMessage("the tunnel*");
        await FluentActions.Awaiting(() => tls.ReceiveAsync(new byte[length]).AsTask()).Should().ThrowExactlyAsync<IOException>().WithMessage("the tunnel*");
    }

    [Fact]
    public async Task A_wire_that_throws_something_odd_at_the_goodbye_is_released_all_the_same()
    {
        var (tls, wire, _) = await OpenAsync();
        wire.Fault = new NotSupportedException("odd");

        await FluentActions.Awaiting(() => tls.DisposeAsync().AsTask()).Should().ThrowAsync<NotSupportedException>();

        wire.Disposed.Should().BeTrue();
    }

    [Fact]
    public async Task TLS_in_TLS_ends_although_half_a_record_of_the_outer_one_has_arrived()
    {
        var (client, server) = await ConnectAsync();
        var (outerClient, outerServer) = (new TlsTransport(client, Client, new()), new TlsTransport(server, Server, new()));
        var (innerClient, innerServer) = (new TlsTransport(outerClient, Client, new()), new TlsTransport(outerServer, Server, new()));
        await TestAuthority.OpenAsync(innerClient, innerServer);

        await server.SendAsync(new byte[] { 23, 3, 3, 0, 100, 1, 2, 3 });

        await innerClient.DisposeAsync().AsTask().WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task A_release_waits_for_the_handshake_that_it_ends()
    {
        var (client, server) = await ConnectAsync();
        var receiving = new TaskCompletionSource<ReceiveResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var released = false;
        var wire = new InterceptedTransport(client)
        {
            OnReceive = _ =>
            {
                begun.TrySetResult();
                return new(receiving.Task);
            },
            OnDispose = () => released = true,
        };
        var tls = new TlsTransport(wire, Client, new());
        var opening = tls.OpenAsync(CancellationToken.None).AsTask();
        await begun.Task.WaitAsync(TestBed.Patience);

        var release = tls.DisposeAsync().AsTask();

        release.IsCompleted.Should().BeFalse();
        released.Should().BeFalse("the handshake still uses it");
        receiving.SetException(new IOException("aborted"));
        await release.WaitAsync(TestBed.Patience);
        released.Should().BeTrue();
        await FluentActions.Awaiting(() => opening.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task What_is_gathered_may_be_more_than_was_reckoned()
    {
        var (left, right) = await ConnectAsync();
        var stream = new TransportStream(left, server: false);
        var bytes = Enumerable.Range(0, 40_000).Select(i => (byte)i).ToArray();

        stream.Output.BeginGathering(100);
        await stream.WriteAsync(bytes.AsMemory(0, 90));
        await stream.WriteAsync(bytes.AsMemory(90));
        await stream.Output.SendGatheredAsync();
        await stream.Output.EndGatheringAsync();

        var received = new List<byte>();
        var buffer = new byte[bytes.Length];
        while (received.Count < bytes.Length)
        {
            var count = (await right.ReceiveAsync(buffer).AsTask().WaitAsync(TestBed.Patience)).Count;
            received.AddRange(buffer.AsSpan(0, count));
        }

        received.Should().Equal(bytes);
    }

    private static ValueTask<(Transport Client, Transport Server)> ConnectAsync()
    {
        var network = new InMemoryNetwork();
        return TestAuthority.ConnectAsync(network.Listen("server"), () => network.Dial("server"));
    }

    private static async Task<(TlsTransport Tls, FaultyTransport Wire, TlsTransport Peer)> OpenAsync()
    {
        var (client, server) = await ConnectAsync();
        var wire = new FaultyTransport(client);
        var (tls, peer) = (new TlsTransport(wire, Client, new()), new TlsTransport(server, Server, new()));
        await TestAuthority.OpenAsync(tls, peer);
        return (tls, wire, peer);
    }
}
