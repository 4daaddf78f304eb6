using System.Net;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.Sockets;

/// <summary>What only the portable engine's listener does.</summary>
public class SocketListenerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task AcceptAsync_completes_on_the_listeners_own_thread()
    {
        await using var listener = await ListenAsync(TestEngine.Listen("127.0.0.1", 0));
        var accept = AcceptAndTellThreadAsync(listener);
        await using var dialled = await TestEngine.Dial((IPEndPoint)listener.EndPoint).DialAsync(new(), CancellationToken.None);

        var (transport, thread) = await accept.WaitAsync(Patience);

        await using var accepted = transport;
        thread.Name.Should().Be($"SocketKit accept {listener.EndPoint}");
        thread.IsThreadPoolThread.Should().BeFalse();
        thread.IsBackground.Should().BeTrue();
    }

    private static async Task<(Transport? Transport, Thread Thread)> AcceptAndTellThreadAsync(Listener listener)
    {
        var transport = await listener.AcceptAsync().ConfigureAwait(false);
        return (transport, Thread.CurrentThread);
    }

    private static async Task<Listener> ListenAsync(Listener listener)
    {
        await listener.BindAsync(new(), default);
        return listener;
    }
}
