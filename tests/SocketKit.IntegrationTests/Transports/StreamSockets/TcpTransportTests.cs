using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>The contract over TCP on loopback.</summary>
public class TcpTransportTests : TransportContract
{
    protected override async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new(), CancellationToken.None);
        var accept = listener.AcceptAsync().AsTask();
        var left = await TestEngine.Dial((System.Net.IPEndPoint)listener.EndPoint).DialAsync(new(), CancellationToken.None);
        var right = await accept.WaitAsync(Patience);
        await listener.DisposeAsync();
        return (left, right!);
    }

    [Fact]
    public async Task SendProgress_shows_a_slow_reader_long_before_BytesSent_does()
    {
        var (left, right) = await ConnectAsync();
        const int Length = 32 * 1024 * 1024;
        var send = left.SendAsync(Bytes(Length)).AsTask();
        var buffer = new byte[64 * 1024];
        var sent = new HashSet<long>();
        var progress = new HashSet<long>();
        for (var total = 0; total < Length;)
        {
            total += (await right.ReceiveAsync(buffer).AsTask().WaitAsync(Patience)).Count;
            if (!send.IsCompleted)
            {
                sent.Add(left.BytesSent);
                progress.Add(left.SendProgress);
            }
        }

        await send.WaitAsync(Patience);
        progress.Count.Should().BeGreaterThanOrEqualTo(OperatingSystem.IsLinux() ? 2 * sent.Count : sent.Count);
        left.Abort();
        right.Abort();
        await left.DisposeAsync();
        await right.DisposeAsync();
    }
}
