using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>What a listener on a Unix socket does, as a peer sees it.</summary>
internal static class UnixListening
{
    /// <summary>A peer connects and is heard.</summary>
    public static async Task ServesAsync(Listener listener)
    {
        var path = (UnixEndPoint)listener.EndPoint;
        Transport? accepted = null;
        await using var dialled = await TestEngine.Dial(path).DialAsync(new(), CancellationToken.None);
        await dialled.SendAsync("here"u8.ToArray());

        // Others may have knocked before.
        var buffer = new byte[4];
        do
        {
            if (accepted is not null)
            {
                await accepted.DisposeAsync();
            }

            accepted = (await listener.AcceptAsync().AsTask().WaitAsync(TestServer.Patience))!;
        }
        while ((await accepted.ReceiveAsync(buffer).AsTask().WaitAsync(TestServer.Patience)).Count == 0);
        buffer.Should().Equal("here"u8.ToArray());
        await accepted.DisposeAsync();
    }

    /// <summary>The bind fails, and with what.</summary>
    public static async Task<ListenException> FailsAsync(Listener listener)
    {
        var bind = () => listener.BindAsync(new(), default).AsTask().WaitAsync(TestServer.Patience);
        return (await bind.Should().ThrowAsync<ListenException>()).Which;
    }
}
