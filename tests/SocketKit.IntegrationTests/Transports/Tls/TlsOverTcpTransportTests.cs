using System.Net;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>The contract over TLS on loopback.</summary>
public class TlsOverTcpTransportTests : TransportContract
{
    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = Listen.Tls(TestEngine.Listen("127.0.0.1", 0), TestAuthority.Shared.ListenOptions());
        return await TestAuthority.ConnectAsync(listener, () => Dial.Tls(TestEngine.Dial((IPEndPoint)listener.EndPoint), TestAuthority.Shared.DialOptions()));
    }

    [Fact]
    public async Task SendProgress_is_the_wires_and_shows_a_slow_reader()
    {
        var (left, right) = await ConnectAsync();
        await TestAuthority.OpenAsync(left, right);
        var send = left.SendAsync(Bytes(32 * 1024 * 1024)).AsTask();
        var progress = new HashSet<long>();
        var buffer = new byte[64 * 1024];
        for (var total = 0; total < 32 * 1024 * 1024;)
        {
            total += (await right.ReceiveAsync(buffer).AsTask().WaitAsync(Patience)).Count;
            progress.Add(left.SendProgress);
        }

        await send.WaitAsync(Patience);
        progress.Count.Should().BeGreaterThan(10);
        right.BytesUnread.Should().BeLessThanOrEqualTo(0);
        await left.SendAsync(Bytes(10));
        await right.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(Patience);
        left.CreateSocketView().Should().NotBeNull();
        left.Abort();
        right.Abort();
        await left.DisposeAsync();
        await right.DisposeAsync();
    }
}

public class TlsOverTcpTransportCostTests : TransportCostContract
{
#if DEBUG
    protected override double MostPerRoundTrip => 1000;

#endif
    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = Listen.Tls(TestEngine.Listen("127.0.0.1", 0), TestAuthority.Shared.ListenOptions());
        var (left, right) = await TestAuthority.ConnectAsync(listener, () => Dial.Tls(TestEngine.Dial((IPEndPoint)listener.EndPoint), TestAuthority.Shared.DialOptions()));
        await TestAuthority.OpenAsync(left, right);
        return (left, right);
    }
}
